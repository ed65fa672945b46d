package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tocsin/engine"
	"tocsin/plugins"
)

func event(service string) engine.Event {
	var p engine.Parts
	p.SetService(service)
	e := engine.Event{ID: engine.NewIdentities(1).Loose(p)}
	e.SetMetric(1)
	return e
}

// build makes the sink as a rules file does.
func build(fields map[string]any) (engine.Sink, error) {
	return plugins.NewSink("webhook", plugins.Env{Name: "hook"}, &plugins.Table{Pos: "x.lua:1", Fields: fields})
}

func TestNotify(t *testing.T) {
	var bodies []string
	keys := map[string]bool{}
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Header.Get("Authorization")+" "+string(body))
		keys[r.Header.Get("Idempotency-Key")] = true
		w.WriteHeader(status)
		io.WriteString(w, "your key is k3y")
	}))
	defer server.Close()
	sink, err := build(map[string]any{
		"url":     plugins.NewSecret("HOOK", server.URL+"/T0KEN"),
		"headers": &plugins.Table{Fields: map[string]any{"Authorization": plugins.NewSecret("KEY", "k3y")}},
		"timeout": 3.0,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	notifier := sink.(engine.Notifier)
	for m, want := range map[*engine.Message]string{
		{Events: []engine.Event{event("a")}}:                         `k3y {"service":"a","metric":1}`,
		{Events: []engine.Event{event("a")}, List: true}:             `k3y [{"service":"a","metric":1}]`,
		{Events: []engine.Event{event("a"), event("b")}, List: true}: `k3y [{"service":"a","metric":1},{"service":"b","metric":1}]`,
		{List: true}: `k3y []`,
	} {
		bodies = nil
		if err := notifier.Notify(t.Context(), *m); err != nil || len(bodies) != 1 || bodies[0] != want {
			t.Errorf("got %q, want %q (%v)", bodies, want, err)
		}
	}
	if len(keys) != 4 || keys[""] {
		t.Errorf("4 messages have the keys %v", keys)
	}
	status = http.StatusUnauthorized
	err = notifier.Notify(t.Context(), engine.Message{Events: []engine.Event{event("a")}})
	if !engine.IsPermanent(err) || !strings.Contains(err.Error(), "your key is ***") || strings.Contains(err.Error(), "T0KEN") {
		t.Errorf("got %v", err)
	}
	if len(keys) != 4 {
		t.Errorf("a message that was sent again has another key: %v", keys)
	}
}

func TestOptions(t *testing.T) {
	headers := func(name string, value any) *plugins.Table {
		return &plugins.Table{Fields: map[string]any{name: value}}
	}
	for name, c := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"no url":  {map[string]any{}, `x.lua:1: sink.webhook: option "url" is missing`},
		"bad url": {map[string]any{"url": "hooks.test/x"}, "not of the form http://HOST"},
		"timeout": {map[string]any{"url": "http://a", "timeout": 0.0}, `"timeout": must be above 0`},
		"header":  {map[string]any{"url": "http://a", "headers": headers("a b", "c")}, `header "a b"`},
		"typo":    {map[string]any{"url": "http://a", "header": headers("a", "c")}, `did you mean "headers"?`},
	} {
		if _, err := build(c.fields); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	sink, err := build(map[string]any{"url": plugins.NewSecret("HOOK", "")})
	if err != nil {
		t.Fatalf("check does without the secret: %v", err)
	}
	if err := sink.Open(t.Context()); err == nil {
		t.Error("opened without a URL")
	}
	if err := sink.Close(); err != nil {
		t.Error(err)
	}
}
