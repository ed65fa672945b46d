package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReloadHandsOver: what a sink could not deliver, its successor does; what a
// sink that is gone has not delivered, none of the same name later.
func TestReloadHandsOver(t *testing.T) {
	tried := make(chan struct{}, 100)
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		tried <- struct{}{}
	}))
	defer down.Close()
	url, posts := receiver(t)
	rules := func(url string) string {
		return fmt.Sprintf("local out = sink.webhook { url = %q }\nevents:where 'host':to(out)\n", url)
	}
	r := startReloadable(t, rules(down.URL))
	defer r.stop()
	for _, host := range []string{"a", "b"} {
		postEvents(t, r.base, strings.NewReader(`{"host":"`+host+`"}`))
	}
	<-tried
	r.reload(rules(url))
	for _, host := range []string{"a", "b"} {
		if got := <-posts; !strings.Contains(got, `"host":"`+host+`"`) {
			t.Errorf("posted %s, want host %s", got, host)
		}
	}
}

// keepingRules are rules with a store: what is sent is counted by host, and goes
// to the sinks.
func keepingRules(folder, sinks string) string {
	return fmt.Sprintf(`settings { http = "127.0.0.1:0", store = %q, journal = %q }
%s
events:where 'service = "n"':by("host"):reduce(function(a, e) return a:with { metric = a.metric + e.metric } end)
  :with { service = "sum", ttl = 1e6 }:index()
`, filepath.Join(folder, "store.db"), filepath.Join(folder, "journal"), sinks)
}

// awaitCheckpoint waits until the store has what there is now.
func (r *reloadable) awaitCheckpoint() {
	r.t.Helper()
	deadline := time.Now().Add(testTimeout)
	for range 2 { // one may have begun before
		for before := r.metric("tocsin_store_commit_seconds_count"); r.metric("tocsin_store_commit_seconds_count") == before; {
			if time.Now().After(deadline) {
				r.t.Fatal("no checkpoint comes")
			}
		}
	}
}

// TestReloadsAndRestarts: a store follows the rules through reloads, so that a
// program that is started again goes on where the last one stood.
func TestReloadsAndRestarts(t *testing.T) {
	tried := make(chan struct{}, 100)
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		tried <- struct{}{}
	}))
	defer down.Close()
	url, posts := receiver(t)
	folder := t.TempDir()
	webhook := func(url string) string {
		return fmt.Sprintf("events:where 'metric = 1':to(sink.webhook { name = 'hook', url = %q })", url)
	}
	r := &reloadable{running: &running{t: t}, path: writeFile(t, "rules.lua", keepingRules(folder, webhook(down.URL)))}
	start := func() {
		r.running = startLine(t, nil, "run", r.path)
		r.base = "http://" + r.listening("http")
	}
	change := func(sinks string) {
		t.Helper()
		r.writeWhole(keepingRules(folder, sinks))
		if _, wrong := r.reload(""); wrong != "" {
			t.Fatal(wrong)
		}
	}
	send := func(want int) {
		t.Helper()
		postEvents(t, r.base, strings.NewReader(`{"host":"a","service":"n","metric":1,"ttl":1e6}`))
		if got := askFor(t, r.base, `service = "sum"`, ""); want > 1 && !strings.Contains(got, fmt.Sprintf(`"metric":%d,`, want)) {
			t.Errorf("the sum is %s, want %d", got, want)
		}
	}
	start()
	send(1)
	<-tried
	send(2)
	r.awaitCheckpoint()
	change("events:where 'metric > 99':throttle(1, 60):to(sink.log {})")
	send(3)
	r.stop()

	r.writeWhole(keepingRules(folder, webhook(url)))
	start() // from a checkpoint of the second rules, which had no such sink
	send(4)
	change("")
	send(5)
	change(webhook(url))
	send(6)
	r.stop()
	if len(posts) != 2 { // what waited for the first sink was not to come any more
		t.Errorf("%d posts, want those of events 4 and 6", len(posts))
	}
	start()
	send(7)
	r.writeWhole(strings.Replace(keepingRules(folder, ""), "settings {", "settings { journal_keep = 60,", 1))
	if answer, wrong := r.reload(""); wrong != "" || len(answer.Warnings) != 1 || !strings.HasPrefix(answer.Warnings[0], `settings.journal_keep needs a restart: it is "24h0m0s" until then`) {
		t.Errorf("%s; warnings %q", wrong, answer.Warnings)
	}
	r.stop()
}
