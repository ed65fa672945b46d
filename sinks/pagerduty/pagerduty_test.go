package pagerduty

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tocsin/engine"
	"tocsin/plugins"
)

const key = "0123456789abcdef0123456789abcdef"

// enqueue is PagerDuty's endpoint, as strict as its documentation.
type enqueue struct {
	t      *testing.T
	bodies []string
	answer func(w http.ResponseWriter, alert map[string]any) bool
}

func (q *enqueue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != "POST" || r.URL.Path != "/v2/enqueue" || r.Header.Get("Content-Type") != "application/json" {
		q.t.Errorf("got %s %s of %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	var raw json.RawMessage
	var alert map[string]any
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		q.t.Error(err)
	}
	if err := json.Unmarshal(raw, &alert); err != nil {
		q.t.Error(err)
	}
	q.bodies = append(q.bodies, string(raw))
	if q.answer != nil && q.answer(w, alert) {
		return
	}
	if errs := complaints(alert); len(errs) > 0 {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"status":"invalid event","message":"Event object is invalid","errors":[%q]}`, errs)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"status":"success","message":"Event processed","dedup_key":%q}`, alert["dedup_key"])
}

// complaints checks a body against the documented fields.
func complaints(alert map[string]any) (out []string) {
	text := func(from map[string]any, name string, most int, required bool) string {
		value, there := from[name]
		s, ok := value.(string)
		if there && !ok || required && s == "" || utf8.RuneCountInString(s) > most {
			out = append(out, fmt.Sprintf("'%s' is %v", name, value))
		}
		return s
	}
	known := func(from map[string]any, names string) {
		for name := range from {
			if !strings.Contains(" "+names+" ", " "+name+" ") {
				out = append(out, "unknown field "+name)
			}
		}
	}
	known(alert, "routing_key event_action dedup_key payload images links client client_url")
	if len(text(alert, "routing_key", 32, true)) != 32 {
		out = append(out, "'routing_key' has not 32 characters")
	}
	text(alert, "dedup_key", 255, true)
	payload, _ := alert["payload"].(map[string]any)
	switch text(alert, "event_action", 20, true) {
	case "resolve", "acknowledge":
		return out
	case "trigger":
	default:
		out = append(out, "unknown 'event_action'")
	}
	known(payload, "summary source severity timestamp component group class custom_details")
	text(payload, "summary", 1024, true)
	text(payload, "source", 1024, true)
	if s := text(payload, "severity", 20, true); !strings.Contains(" critical error warning info ", " "+s+" ") {
		out = append(out, "'severity' is "+s)
	}
	if s := text(payload, "timestamp", 64, false); s != "" {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			out = append(out, err.Error())
		}
	}
	return out
}

func start(t *testing.T) (*enqueue, engine.Notifier) {
	q := &enqueue{t: t}
	server := httptest.NewServer(q)
	t.Cleanup(server.Close)
	sink, err := build(map[string]any{"routing_key": plugins.NewSecret("PAGERDUTY_KEY", key), "url": server.URL + "/v2/enqueue"})
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	return q, sink.(engine.Notifier)
}

func build(fields map[string]any) (engine.Sink, error) {
	return plugins.NewSink("pagerduty", plugins.Env{Name: "pager"}, &plugins.Table{Pos: "x.lua:1", Fields: fields})
}

func event(t *testing.T, text string) engine.Event {
	e, p, err := engine.ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e.ID = engine.NewIdentities(1).Loose(p)
	return e
}

func TestWireFormat(t *testing.T) {
	q, sink := start(t)
	const routing = `{"routing_key":"` + key + `",`
	for in, want := range map[string]string{
		`{"host":"db1","service":"disk /","state":"critical","description":"disk is full","metric":0.97,"time":1700000000.5,` +
			`"ttl":60,"tags":["prod"],"group":"db","class":"disk","rack":"7"}`: `"event_action":"trigger","dedup_key":"db1/disk /",` +
			`"payload":{"summary":"disk is full","source":"db1","severity":"critical","timestamp":"2023-11-14T22:13:20.5Z",` +
			`"component":"disk /","group":"db","class":"disk","custom_details":{"class":"disk","description":"disk is full","group":"db",` +
			`"metric":0.97,"rack":"7","state":"critical","tags":["prod"],"ttl":60}}}`,
		`{"host":"db1","service":"disk /","state":"ok","metric":0.5}`: `"event_action":"resolve","dedup_key":"db1/disk /"}`,
		`{"service":"shop","state":"resolved"}`:                       `"event_action":"resolve","dedup_key":"/shop"}`,
		`{"host":"a","service":"b","state":"expired","time":0}`: `"event_action":"trigger","dedup_key":"a/b",` +
			`"payload":{"summary":"a b is expired","source":"a","severity":"error","timestamp":"1970-01-01T00:00:00Z","component":"b","custom_details":{"state":"expired"}}}`,
		`{"service":"shop","state":"warning","metric":0.7}`: `"event_action":"trigger","dedup_key":"/shop",` +
			`"payload":{"summary":"shop is warning (0.7)","source":"tocsin","severity":"warning","component":"shop","custom_details":{"metric":0.7,"state":"warning"}}}`,
		`{"host":"a/b%","service":"c","state":"major"}`: `"event_action":"trigger","dedup_key":"a%2Fb%25/c",` +
			`"payload":{"summary":"a/b% c is major","source":"a/b%","severity":"error","component":"c","custom_details":{"state":"major"}}}`,
		`{}`: `"event_action":"trigger","dedup_key":"/",` +
			`"payload":{"summary":"an event without host, service and state","source":"tocsin","severity":"error"}}`,
	} {
		q.bodies = nil
		if err := sink.Notify(t.Context(), engine.Message{Events: []engine.Event{event(t, in)}}); err != nil {
			t.Error(err)
		}
		if len(q.bodies) != 1 || q.bodies[0] != routing+want {
			t.Errorf("%s:\n got %s\nwant %s", in, q.bodies, routing+want)
		}
	}
}

func TestBounds(t *testing.T) {
	q, sink := start(t)
	e := event(t, `{"host":"`+strings.Repeat("ä", 300)+`","state":"critical","description":"`+strings.Repeat("ö", 2000)+`"}`)
	e.SetMetric(math.Inf(1))
	if err := sink.Notify(t.Context(), engine.Message{Events: []engine.Event{e}}); err != nil {
		t.Fatal(err)
	}
	var sent alert
	if err := json.Unmarshal([]byte(q.bodies[0]), &sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.DedupKey) != 64 || !strings.HasSuffix(sent.Payload.Summary, "ö…") || sent.Payload.CustomDetails["metric"] != "+Inf" {
		t.Errorf("got %.400s", q.bodies[0])
	}
	other := event(t, `{"host":"`+strings.Repeat("ä", 301)+`"}`)
	if dedupKey(&other) == sent.DedupKey {
		t.Error("two long hosts have one key")
	}
}

func TestListSendsTheNewest(t *testing.T) {
	q, sink := start(t)
	err := sink.Notify(t.Context(), engine.Message{List: true, Events: []engine.Event{
		event(t, `{"host":"a","state":"critical"}`), event(t, `{"host":"b","state":"critical"}`), event(t, `{"host":"a","state":"ok"}`),
	}})
	if err != nil || len(q.bodies) != 2 || !strings.Contains(q.bodies[0], `"trigger","dedup_key":"b/"`) || !strings.Contains(q.bodies[1], `"resolve","dedup_key":"a/"`) {
		t.Errorf("got %q, %v", q.bodies, err)
	}
}

func TestErrors(t *testing.T) {
	q, sink := start(t)
	status := 0
	q.answer = func(w http.ResponseWriter, alert map[string]any) bool {
		if alert["dedup_key"] == "good/" {
			return false
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":"no","key":%q}`, alert["routing_key"])
		return true
	}
	bad, good := event(t, `{"host":"bad"}`), event(t, `{"host":"good"}`)
	for _, c := range []struct {
		status, calls int
		permanent     bool
	}{{400, 2, true}, {403, 2, true}, {429, 1, false}, {500, 1, false}, {502, 1, false}} {
		q.bodies, status = nil, c.status
		err := sink.Notify(t.Context(), engine.Message{List: true, Events: []engine.Event{bad, good}})
		if err == nil || engine.IsPermanent(err) != c.permanent || len(q.bodies) != c.calls {
			t.Errorf("%d: %d calls; %v", c.status, len(q.bodies), err)
			continue
		}
		if strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), `\"key\":\"***\"`) {
			t.Errorf("%d: the key shows: %v", c.status, err)
		}
	}
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"no key":  {map[string]any{}, `x.lua:1: sink.pagerduty: option "routing_key" is missing`},
		"bad url": {map[string]any{"routing_key": "k", "url": "events"}, `option "url": the URL is not`},
	} {
		if _, err := build(c.fields); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	sink, err := build(map[string]any{"routing_key": plugins.NewSecret("PAGERDUTY_KEY", "")})
	if err != nil {
		t.Fatalf("check does without the secret: %v", err)
	}
	if got := sink.(*Sink).client; got == nil || Defaults().URL != "https://events.pagerduty.com/v2/enqueue" {
		t.Error("the default URL is not PagerDuty's")
	}
	if err := sink.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "routing_key") {
		t.Errorf("opened without a key: %v", err)
	}
}
