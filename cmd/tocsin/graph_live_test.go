package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tocsin/engine"
	"tocsin/rules"
)

const liveFile = `
source.graphite { listen = "127.0.0.1:0", through = function(s) return s:where 'service != "debug"' end }
local log = sink.log {}
local large, rest = events:where 'service = "http"':split('metric > 3')
merge(large, rest):over(0):to(log)
large:to(log)
rule "each" { on = events:where 'service = "http"', eval = function(e) error("oh") end }
rule "often" { every = 1, eval = function() return "ok" end }
events:where 'service = "often"':to(log)
`

// usageNow is a reading of a configuration that runs in this test.
func usageNow(t *testing.T, c *rules.Config, age float64) *rulesAnswer {
	t.Helper()
	u, err := c.Usage(func(f func()) error { f(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	u.Age = age
	return &rulesAnswer{Usage: u, Sources: map[string]uint64{"graphite": uint64(6 * age)}}
}

// TestLiveRates: 6 events in 2 seconds, 3 of them large, and 2 turns of a rule.
func TestLiveRates(t *testing.T) {
	path := writeFile(t, "live.lua", liveFile)
	c, err := rules.Load(path, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Start()
	ingest := func(metrics ...float64) {
		for _, metric := range metrics {
			e, parts, err := engine.ParseJSON([]byte(fmt.Sprintf(`{"service":"http","metric":%v}`, metric)))
			if err != nil {
				t.Fatal(err)
			}
			e.ID = c.Engine.Identities().Loose(parts)
			c.Engine.IngestThrough(&e, c.Sources[0].Through)
		}
	}
	ingest(1, 9)
	first := usageNow(t, c, 1)
	ingest(1, 2, 3, 4, 5, 6)
	c.Engine.Advance(c.Engine.Now().Add(2e9), 0)
	live, err := newLiveRates(first, usageNow(t, c, 3))
	if err != nil {
		t.Fatal(err)
	}
	drawing := loadDrawing(t, path)
	if n := live.missing(drawing); n > 0 {
		t.Errorf("%d operators do not run", n)
	}
	s := arrange(drawing, live)
	var got []string
	for _, w := range s.wires {
		from, to := w.path[0].box, w.path[len(w.path)-1].box
		got = append(got, fmt.Sprintf("%s -> %s: %s", boxName(from), boxName(to), w.rate))
	}
	slices.Sort(got)
	want := []string{
		`events -> often: 1/s`,
		`events -> where 'service = "http"': 3/s`,
		`events -> where 'service = "http"': 3/s`,
		`graphite -> where 'service != "debug"': 3/s`,
		`merge -> log: 3/s`,
		`often -> where 'service = "often"': 1/s`,
		`where 'service != "debug"' -> events: 3/s`,
		`where 'service = "http"' -> each: 3/s`,
		`where 'service = "http"' -> log: 1.5/s`,
		`where 'service = "http"' -> merge: 3/s`,
		`where 'service = "often"' -> log: 1/s`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, spot := range s.spots {
		if spot.box != nil && (spot.trouble != "") != (spot.box.Title == "each") {
			t.Errorf("%s has the trouble %q", boxName(spot.box), spot.trouble)
		}
	}
	if _, err := newLiveRates(usageNow(t, c, 3), usageNow(t, c, 1)); err == nil {
		t.Error("a reload between two readings is no error")
	}
}

func boxName(b *rules.Box) string {
	if b.Title == "" {
		return b.Lines[0]
	}
	return b.Title
}

// TestGraphOfARunningTocsin posts events between the two readings, and reads
// the drawing.
func TestGraphOfARunningTocsin(t *testing.T) {
	c, base := startRules(t, liveFile)
	defer c.stop()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	asked := atomic.Int32{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			postEvents(t, base, strings.NewReader(strings.Repeat(`{"service":"http","metric":5}`+"\n", 50)))
		}
		r.Host = target.Host
		proxy.ServeHTTP(w, r)
	}))
	defer between.Close()
	path := writeFile(t, "rules.lua", `settings { http = "127.0.0.1:0" }`+"\n"+liveFile)
	r := runLine(t, "", "graph", path, "--addr", between.URL)
	if r.code != exitOK || r.err != "" {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	texts := textsOf(t, r.out)
	rates := 0
	for _, text := range texts {
		if strings.HasSuffix(text, "/s") && text != "0/s" {
			rates++
		}
	}
	if rates < 6 || !slices.Contains(texts, "0/s") {
		t.Errorf("%d arrows have a rate, of %q", rates, texts)
	}
	matches(t, "the drawing", strings.Join(texts, "\n"), `(?m)^rules.lua, events a second at \d(?s:.*)^quarantined; 5 errors, [0-9.]+/s now$`)

	other := writeFile(t, "other.lua", `events:where 'service = "x"':index()`)
	r = runLine(t, "", "graph", other, "--addr", base)
	matches(t, "the standard error", r.err, `^tocsin: 2 of the rules and operators do not run at http`)
	if r.code != exitOK {
		t.Errorf("exit code %d", r.code)
	}
	if r := runLine(t, "", "graph", other, "--addr", "127.0.0.1:1"); r.code != exitFailed || !strings.Contains(r.err, "cannot reach") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// textsOf parses an SVG and returns its texts.
func textsOf(t *testing.T, svg string) (texts []string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			if text := strings.TrimSpace(string(data)); text != "" {
				texts = append(texts, text)
			}
		}
	}
}
