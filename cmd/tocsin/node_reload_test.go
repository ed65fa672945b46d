package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"weak"

	"tocsin/engine"
	"tocsin/plugins/terminal"
)

// reloadable is a tocsin that runs a file which the test writes again.
type reloadable struct {
	*running
	base, path string
}

func startReloadable(t *testing.T, text string) *reloadable {
	t.Helper()
	r := &reloadable{path: filepath.Join(t.TempDir(), "rules.lua")}
	r.running = &running{t: t}
	r.write(text)
	r.running = startLine(t, nil, "run", r.path)
	r.base = "http://" + r.listening("http")
	return r
}

// write writes the rules file. Its first line is of the test.
func (r *reloadable) write(text string) {
	r.t.Helper()
	r.writeWhole(`settings { http = "127.0.0.1:0" }` + "\n" + text)
}

// writeWhole is write without that line.
func (r *reloadable) writeWhole(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// reload writes the file, unless text is "", and returns the answer, or what is
// wrong.
func (r *reloadable) reload(text string) (answer reloadAnswer, wrong string) {
	r.t.Helper()
	if text != "" {
		r.write(text)
	}
	status, body := ask(r.t, "POST", r.base+"/api/v1/reload", nil)
	if status != 200 {
		var told apiError
		if err := json.Unmarshal([]byte(body), &told); err != nil || status != 422 {
			r.t.Errorf("status %d: %s", status, body)
		}
		return reloadAnswer{}, told.Error
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		r.t.Errorf("%v: %s", err, body)
	}
	return answer, ""
}

// metric returns the value of a metric as it is written.
func (r *reloadable) metric(name string) string { return metricOf(r.t, r.base, name) }

func metricOf(t *testing.T, base, name string) string {
	t.Helper()
	_, text := ask(t, "GET", base+"/metrics", nil)
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestReload(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port, other := "127.0.0.1:"+freePort(), "127.0.0.1:"+freePort()
	url, _ := receiver(t)
	source := func(port string) string { return fmt.Sprintf("source.graphite { listen = %q }\n", port) }
	hook := func(more string) string { return fmt.Sprintf("local out = sink.webhook { url = %q%s }\n", url, more) }
	const seen = "events:where 'service = \"x\"':with { service = \"seen\" }:index()\n"
	rule := func(name, state string) string {
		return fmt.Sprintf("rule %q { every = 1, eval = function() return %q end }\n", name, state)
	}
	nothing := "no source, sink, rule or setting has come or gone"
	for _, c := range []struct {
		name, before, after string
		changes             string // "" is an error
		wrong               string // the error, or "" for none
	}{
		{"nothing", source(port), source(port), nothing, ""},
		{"a rule is new", source(port), source(port) + rule("r", "ok"), `rule r is new (FILE:4)`, ""},
		{"a rule is gone", source(port) + rule("r", "ok"), source(port), "rule r is gone; dropped: 2 pieces of state", ""},
		{"a rule has changed", source(port) + rule("r", "ok"), source(port) + rule("r", "critical"), nothing, ""},
		{"a source is new", source(port), source(port) + `source.collectd { listen = "127.0.0.1:0" }`, "source collectd is new (FILE:4)", ""},
		{"a source is gone", source(port) + `source.collectd { listen = "127.0.0.1:0" }`, source(port), "source collectd is gone", ""},
		{"another port", source(port), source(other), "source graphite is opened anew (FILE:3)", ""},
		{"other options", source(port), fmt.Sprintf("source.graphite { listen = %q, connections = 9 }\n", port), "source graphite is opened anew (FILE:3)", ""},
		{"another name", source(port), fmt.Sprintf("source.graphite { listen = %q, name = 'g' }\n", port), "source g is new (FILE:3); source graphite is gone", ""},
		{"a sink is new", source(port), source(port) + hook("") + "events:where 'metric > 9':to(out)", "sink webhook is new (FILE:4)", ""},
		{"a sink is gone", source(port) + hook(""), source(port), "sink webhook is gone", ""},
		{"a sink has changed", source(port) + hook(""), source(port) + hook(", queue = 9"), "sink webhook is opened anew (FILE:4)", ""},
		{"syntax", source(port), source(port) + "events:where(", "", "FILE:4: syntax error"},
		{"a name", source(port), source(port) + "event:where 'true'", "", "FILE:4: "},
		{"an error", source(port), source(port) + "error 'oh'", "", "FILE:4: oh"},
		{"a query", source(port), source(port) + "events:where 'metric ='", "", "FILE:4: "},
		{"an endless file", source(port), source(port) + "while true do end", "", "FILE:4: cut off"},
		{"a file that is not there", source(port), source(port) + "require 'other'", "", `FILE:4: cannot find "other"`},
		{"a port in use", source(port), source(port) + fmt.Sprintf("source.graphite { listen = %q, name = 'g' }", taken.Addr()), "", "FILE:4: source \"g\": cannot listen on tcp"},
		{"another port, in use", source(port), source(taken.Addr().String()), "", "FILE:3: source \"graphite\": cannot listen on tcp"},
		{"a sink that does not open", source(port), source(port) + "sink.file { path = '/nowhere/file' }", "", `FILE:4: cannot open sink "file"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := startReloadable(t, seen+c.before)
			defer r.stop()
			answer, wrong := r.reload(seen + c.after)
			place := func(text string) string { return strings.ReplaceAll(text, "FILE", r.path) }
			if got := strings.Join(answer.Changes, "; "); got != place(c.changes) {
				t.Errorf("changes %s", got)
			}
			if !strings.HasPrefix(wrong, place(c.wrong)) || c.wrong == "" && wrong != "" {
				t.Errorf("wrong: %s", wrong)
			}
			want := "1"
			if c.wrong != "" {
				want = "0"
			}
			if got := r.metric("tocsin_reload_success"); got != want {
				t.Errorf("tocsin_reload_success %s, want %s", got, want)
			}
			// Whichever rules run, their source and streams do.
			listens := port
			if c.name == "another port" {
				listens = other
			}
			sendLine(t, listens, "x 5 -1\n")
			awaitMetric(t, r.base, fmt.Sprintf("tocsin_source_events_total{source=%q} 1", map[bool]string{true: "g", false: "graphite"}[c.name == "another name"]))
			if got := askFor(t, r.base, `service = "seen"`, ""); !strings.Contains(got, `"metric":5`) {
				t.Errorf("the index has %s", got)
			}
		})
	}
}

func TestReloadOfAFileThatIsGone(t *testing.T) {
	r := startReloadable(t, "")
	defer r.stop()
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	if _, wrong := r.reload(""); !strings.Contains(wrong, "cannot read rules: open "+r.path) {
		t.Errorf("wrong: %s", wrong)
	}
}

// TestReloadIsTold: by the command line, and by an event to the rules that run.
func TestReloadIsTold(t *testing.T) {
	url, posts := receiver(t)
	text := fmt.Sprintf("events:where 'service = \"tocsin reload\"':to(sink.webhook { url = %q })\n", url)
	r := startReloadable(t, text)
	defer r.stop()
	r.write(text + "oh(")
	line := runLine(t, "", "reload", "--addr", r.base)
	if line.code != exitFailed || !strings.Contains(line.err, "tocsin: "+r.path+":3: syntax error") {
		t.Errorf("exit code %d: %s", line.code, line.err)
	}
	if got := <-posts; !strings.Contains(got, `"state":"critical"`) || !strings.Contains(got, r.path+":3: syntax error") {
		t.Errorf("told %s", got)
	}
	r.write(text + "settings {}")
	if line := runLine(t, "", "reload", "--addr", r.base); line.code != exitFailed || !strings.Contains(line.err, "settings already") {
		t.Errorf("exit code %d: %s", line.code, line.err)
	}
	<-posts
	r.writeWhole(`settings { http = "127.0.0.1:1", ttl = 5 } ` + text)
	line = runLine(t, "", "reload", "--addr", r.base)
	if line.code != exitOK || !strings.Contains(line.out, "settings.ttl is 5s, was the default\nreloaded; events waited for ") ||
		!strings.Contains(line.err, `warning: settings.http needs a restart: it is "127.0.0.1:0" until then`) {
		t.Errorf("exit code %d:\n%s%s", line.code, line.out, line.err)
	}
	if got := <-posts; !strings.Contains(got, `"state":"ok"`) {
		t.Errorf("told %s", got)
	}
}

// TestReloadKeepsCounting: counters of what stays go on, those of what is gone
// vanish, and the state of a rule goes on.
func TestReloadKeepsCounting(t *testing.T) {
	url, posts := receiver(t)
	stays := fmt.Sprintf(`
local out = sink.webhook { url = %q }
events:where 'service = "x"':by("host"):reduce(function(a, e) return a:with { metric = a.metric + e.metric } end):to(out)
`, url)
	goes := fmt.Sprintf("local gone = sink.webhook { url = %q, name = 'gone' }\n", url)
	r := startReloadable(t, stays+goes)
	defer r.stop()
	send := func(want string) {
		t.Helper()
		postEvents(t, r.base, strings.NewReader(`{"host":"a","service":"x","metric":2}`))
		if got := <-posts; !strings.Contains(got, want) {
			t.Errorf("posted %s, want %s", got, want)
		}
	}
	postEvents(t, r.base, strings.NewReader(`{"host":"a","service":"x","metric":1}`))
	send(`"metric":3`)
	r.reload(stays)
	send(`"metric":5`)
	awaitMetric(t, r.base, `tocsin_sink_delivered_total{sink="webhook"} 2`)
	if got := r.metric(`tocsin_sink_events_total{sink="gone"}`); got != "" {
		t.Errorf("the sink that is gone counts %s", got)
	}
	if got := r.metric(`tocsin_events_total`); got != "3" {
		t.Errorf("%s events", got)
	}
}

// TestReloadOnHangup takes the newest file, however many signals come.
func TestReloadOnHangup(t *testing.T) {
	r := startReloadable(t, "")
	defer r.stop()
	for i := range 5 {
		r.write(fmt.Sprintf("rule 'r%d' { every = 1, eval = function() end }", i))
		r.signals <- syscall.SIGHUP
	}
	r.err.await(t, `"reloaded","changes":"rule r4 is new`)
	n := &node{reloads: newReloads(newExposition().Set)}
	for range 100 {
		n.reloads.want()
	}
	if len(n.reloads.wanted) != 1 {
		t.Errorf("%d reloads are wanted", len(n.reloads.wanted))
	}
}

// TestReloadDuringTheStart: a signal that comes before everything runs is served
// then.
func TestReloadDuringTheStart(t *testing.T) {
	path := writeFile(t, "rules.lua", `settings { http = "" }`)
	signals := make(chan os.Signal, 2)
	signals <- syscall.SIGHUP
	log := newOutput()
	p := &process{screen: terminal.NewPipe(log), getenv: func(string) string { return "" }, signals: func() <-chan os.Signal { return signals }}
	starting := make(chan struct{})
	n, err := loadNode(path, nodeOptions{process: p, logger: p.logger("info")})
	if err != nil {
		t.Fatal(err)
	}
	n.daemon.Restore = func(context.Context) error { <-starting; return nil }
	done := make(chan error)
	go func() { done <- n.run(t.Context()) }()
	deadline := time.Now().Add(testTimeout)
	for len(signals) > 0 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	signals <- syscall.SIGHUP
	for len(signals) > 0 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	close(starting)
	log.await(t, `"reloaded"`)
	signals <- syscall.SIGTERM
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReloadOnChange(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rules.lua", `settings { http = "" } require "other"`)
	write("other.lua", "")
	c := startLine(t, nil, "run", "--watch", filepath.Join(dir, "rules.lua"))
	c.err.await(t, "watching")
	write("unread.lua", "oh(")
	write("other.lua", "oh(")
	c.err.await(t, `changed: .*other.lua".*\n.*cannot reload; .*other.lua:1: syntax error`)
	write("other.lua", "rule 'r' { every = 1, eval = function() end }")
	c.err.await(t, `changed: .*other.lua".*\n.*"reloaded","changes":"rule r is new`)
	c.stop()
}

// runNode runs a node in this process until the test ends.
func runNode(t *testing.T, text string) *node {
	t.Helper()
	p := &process{
		screen: terminal.NewPipe(newOutput()), getenv: func(string) string { return "" },
		signals: func() <-chan os.Signal { return nil },
	}
	ready := make(chan struct{})
	n, err := loadNode(writeFile(t, "rules.lua", text), nodeOptions{process: p, logger: p.logger("error"), ready: func() { close(ready) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.reload(t.Context()); err != errNotNow {
		t.Errorf("reloaded before it runs: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- n.run(ctx) }()
	<-ready
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if _, err := n.reload(context.Background()); err != errNotNow {
			t.Errorf("reloaded after its end: %v", err)
		}
	})
	return n
}

// TestReloadsWaitForOneAnother: reloads at one time all succeed.
func TestReloadsWaitForOneAnother(t *testing.T) {
	n := runNode(t, `settings { http = "" } source.graphite { listen = "127.0.0.1:0" }`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := n.reload(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestOldConfigurationIsGarbage: a reload leaves nothing behind.
func TestOldConfigurationIsGarbage(t *testing.T) {
	n := runNode(t, `
settings { http = "" }
source.graphite { listen = "127.0.0.1:0", through = function(s) return s:tag("t") end }
local out = sink.log {}
events:where(function(e) return e.metric > 1 end):by("host"):changed("state"):throttle(1, 5):to(out)
rule "r" { every = 1, eval = function() return index("metric > 1"):count() > 0 and "ok" or nil end }
`)
	address := n.config.Sources[0].Source.(engine.Addresser).Addresses()[0]
	sendLine(t, strings.TrimPrefix(address, "tcp "), "a.x 5 -1\na.y 7 -1\n")
	old := weak.Make(n.config.Config)
	if _, err := n.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(testTimeout)
	for old.Value() != nil && time.Now().Before(deadline) {
		runtime.GC()
	}
	if old.Value() != nil {
		t.Error("the old configuration is still there")
	}
}
