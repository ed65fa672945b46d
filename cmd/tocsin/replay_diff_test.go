package main

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
)

// diffRules page when a metric rises above a limit, and log all pages but those
// of a host.
const diffRules = `
local pager, log = sink.webhook { name = "pager", url = "http://127.0.0.1:1" }, sink.log {}
local pages = events:where 'service = "load"':by "host":classify { critical = "metric > %d" }:stable(%d, "state"):changed("state", { init = "ok" })
pages:where 'metric < 1000':to(pager)
pages:with { description = %q }:to(log)
`

// loadRecording is the load of some hosts, once a second.
func loadRecording() string {
	var out strings.Builder
	for at := range 600 {
		load := func(host string, metric int) {
			fmt.Fprintf(&out, `{"host":%q,"service":"load","metric":%d,"time":%d}`+"\n", host, metric, 1700000000+at)
		}
		load("calm", 10)
		load("busy", map[bool]int{true: 95, false: 10}[at >= 100 && at < 200])
		load("rising", at/10)
	}
	return out.String()
}

func TestReplayDiff(t *testing.T) {
	recording := writeFile(t, "recording", loadRecording())
	old := writeFile(t, "old.lua", fmt.Sprintf(diffRules, 50, 5, "x"))
	same := writeFile(t, "same.lua", "-- the same\n"+fmt.Sprintf(diffRules, 50, 5, "x"))
	late := writeFile(t, "late.lua", fmt.Sprintf(diffRules, 50, 15, "x"))
	high := writeFile(t, "high.lua", fmt.Sprintf(diffRules, 70, 5, "x"))
	told := writeFile(t, "told.lua", fmt.Sprintf(diffRules, 50, 5, "y"))
	run := func(rules, other string, flags ...string) result {
		return runLine(t, "", append([]string{"replay", rules, "--from", recording, "--diff", other}, flags...)...)
	}
	if r := run(old, same); r.code != exitOK || r.out != "" || r.err != "" {
		t.Errorf("the same: got %+v", r)
	}
	pages := func(out string) string {
		var got []string
		for line := range strings.Lines(out) {
			if strings.Contains(line, `"page":true`) {
				got = append(got, strings.TrimSpace(line))
			}
		}
		return strings.Join(got, "\n")
	}
	r := run(old, late)
	want := `{"difference":"later","sink":"pager","page":true,"before":1700000105,"after":1700000115,"event":{"host":"busy","service":"load","state":"critical","time":1700000100,"metric":95}}`
	if got := strings.Split(pages(r.out), "\n")[0]; r.code != exitFailed || r.err != "" || got != want {
		t.Errorf("later: exit code %d, %s, got\n%s\nwant\n%s", r.code, r.err, got, want)
	}
	if again := run(old, late); again.out != r.out {
		t.Error("two comparisons differ")
	}
	if r := run(late, old); !strings.Contains(pages(r.out), `{"difference":"earlier","sink":"pager","page":true,"before":1700000115,"after":1700000105,`) {
		t.Errorf("earlier: got\n%s", r.out)
	}
	if r := run(old, late, "--within", "5s"); strings.Count(pages(r.out), `"gone"`) == 0 || strings.Count(pages(r.out), `"gone"`) != strings.Count(pages(r.out), `"new"`) {
		t.Errorf("too far apart: got\n%s", r.out)
	}
	if r := run(old, high); !strings.Contains(pages(r.out), `{"difference":"gone","sink":"pager","page":true,"before":1700000515,"event":{"host":"rising"`) {
		t.Errorf("gone: got\n%s", r.out)
	}
	if r := run(high, old); !strings.Contains(pages(r.out), `{"difference":"new","sink":"pager","page":true,"after":1700000515,"event":{"host":"rising"`) {
		t.Errorf("new: got\n%s", r.out)
	}
	r = run(old, told)
	if pages(r.out) != "" || !strings.Contains(r.out, `{"difference":"changed","sink":"log","page":false,`) || !strings.Contains(r.out, `,"was":{"event":{"host":"busy","service":"load","state":"critical","description":"x"`) {
		t.Errorf("changed: got\n%s", r.out)
	}
	if r := run(old, "nowhere.lua"); r.code != exitFailed || !strings.Contains(r.err, "nowhere.lua") {
		t.Errorf("no other: got %+v", r)
	}
}

func TestReplayDiffOfWhatBreaksOff(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", passAll)
	other := writeFile(t, "other.lua", `events:where 'host != "a"':to(sink.log {})`)
	lines := "{\"host\":\"a\",\"time\":1}\nbad\n"
	r := runLine(t, "", "replay", rulesFile, "--diff", other, "--from", writeFile(t, "a", lines), "--from", writeFile(t, "b", zipped(t, shopRecording())[:900]))
	if r.code != exitFailed || !strings.HasPrefix(r.out, `{"difference":"gone"`) {
		t.Errorf("got %+v", r)
	}
	matches(t, "standard error", r.err, `(?s)1 piece of the recording .*cannot replay ".*b" to the end: unexpected EOF`)
}

func TestReplayDiffIsDeterministic(t *testing.T) {
	recording := writeFile(t, "recording", shopRecording())
	shop, demo := filepath.Join(root, "examples/shop/shop.lua"), filepath.Join(root, "examples/shop/demo.lua")
	first := runLine(t, "", "replay", shop, "--from", recording, "--diff", demo)
	if first.code != exitFailed || !strings.Contains(first.out, `"sink":"log"`) {
		t.Errorf("got %+v", first)
	}
	if again := runLine(t, "", "replay", shop, "--from", recording, "--diff", demo); again.out != first.out {
		t.Error("two comparisons differ")
	}
}

// matched compares two lists of acts, given as "KEY@SECOND" and, when the
// message differs, "KEY@SECOND=MESSAGE".
func matched(before, after string, within time.Duration, alone bool) string {
	sink := &actSink{name: "s", both: !alone}
	feed := func(text string) <-chan []act {
		c := make(chan []act, 100)
		for _, word := range strings.Fields(text) {
			var at engine.Time
			key, rest, _ := strings.Cut(word, "@")
			second, message, _ := strings.Cut(rest, "=")
			fmt.Sscan(second, &at)
			c <- []act{{at: at * 1e9, sink: sink, key: key, message: []byte(message)}}
		}
		close(c)
		return c
	}
	var out []string
	m := newActMatcher(within, func(d *difference) {
		if kind := d.kind(); kind != "" {
			out = append(out, fmt.Sprintf("%s:%s@%d", kind, d.latest().key, d.latest().at/1e9))
		}
	})
	m.compare(feed(before), feed(after))
	m.end()
	if len(m.waiting) > 0 || m.open != 0 || len(m.order) > 0 {
		out = append(out, "left over")
	}
	return strings.Join(out, " ")
}

func TestActMatcher(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"", "", ""},
		{"a@1 b@2 a@3", "a@1 b@2 a@3", ""},
		{"a@1", "", "gone:a@1"},
		{"", "a@1", "new:a@1"},
		{"a@1", "a@11", "later:a@11"},
		{"a@11", "a@1", "earlier:a@1"},
		{"a@1", "a@12", "gone:a@1 new:a@12"},
		{"a@1=x", "a@1=y", "changed:a@1"},
		{"a@1=x", "a@2=y", "later:a@2"},
		{"a@1 a@2 a@3", "a@2 a@3", "later:a@2 later:a@3 gone:a@3"},
		{"a@1 a@1", "a@1", "gone:a@1"},
		{"a@1 b@2 c@3", "c@3 b@4", "gone:a@1 later:b@4"},
		{"a@1 b@2 a@20", "b@3 a@21 c@40", "gone:a@1 later:b@3 later:a@21 new:c@40"},
	} {
		if got := matched(c.before, c.after, 10*time.Second, false); got != c.want {
			t.Errorf("%q and %q: got %q, want %q", c.before, c.after, got, c.want)
		}
	}
	if got, want := matched("a@1", "a@1", 10*time.Second, true), "gone:a@1 new:a@1"; got != want {
		t.Errorf("different sinks: got %q, want %q", got, want)
	}
}

// TestActMatcherForgets wants what is the same not to be held up by one act
// that waits.
func TestActMatcherForgets(t *testing.T) {
	sink := &actSink{name: "s", both: true}
	same := 0
	m := newActMatcher(time.Hour, func(d *difference) {
		if d.kind() == "" {
			same++
		}
	})
	m.take(0, &act{sink: sink, key: "waits"})
	for i := range engine.Time(10000) {
		for side := range 2 {
			m.take(side, &act{at: i, sink: sink, key: "same"})
		}
	}
	if len(m.order) > 1024 {
		t.Errorf("%d acts are kept", len(m.order))
	}
	if m.end(); same != 10000 {
		t.Errorf("%d were the same", same)
	}
	for i := range 2 * maxWaiting {
		m.take(0, &act{sink: sink, key: fmt.Sprint(i)})
	}
	if len(m.order) > maxWaiting+1 || len(m.waiting) != len(m.order) {
		t.Errorf("%d acts wait", len(m.order))
	}
}

func TestDiffReportForPeople(t *testing.T) {
	var text bytes.Buffer
	out := bufio.NewWriter(&text)
	pager, log := &actSink{name: "pager", page: true}, &actSink{name: "log"}
	made := func(at engine.Time, sink *actSink, message string) *act {
		return &act{at: (1700000000 + at) * 1e9, sink: sink, key: sink.name + "\x00web1\x00http\x00critical", message: []byte(message)}
	}
	r := newDiffReport(out, false)
	for range listedDifferences + 1 {
		r.add(&difference{after: made(1, log, `"events":[]`)})
	}
	r.add(&difference{before: made(1, pager, ""), after: made(1, pager, "")})
	r.add(&difference{before: made(1, pager, ""), after: made(31, pager, `"event":{"description":"down \u001b[31m"}`)})
	r.add(&difference{before: made(2, pager, `"event":{}`)})
	r.end()
	out.Flush()
	want := `pager (notifies): 1 gone, 1 later, 1 the same
  later by 30s     2023-11-14T22:13:51.000Z  web1  http  critical  down �[31m
  gone             2023-11-14T22:13:22.000Z  web1  http  critical
log: 1001 new
  new              2023-11-14T22:13:21.000Z  web1  http  critical  and others, as a list
`
	if got := text.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\n  and 1 more; --json lists all\n") {
		t.Errorf("got\n%.800s\nwant\n%s", got, want)
	}
	text.Reset()
	r = newDiffReport(out, false)
	r.add(&difference{before: made(1, pager, ""), after: made(1, pager, "")})
	r.end()
	out.Flush()
	if got := text.String(); got != "no difference: 1 message, the same\n" {
		t.Errorf("got %q", got)
	}
}
