package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/engine"
)

const usageFile = `
settings { auto_index = function(e) return e.service ~= "noise" end }
source.graphite { listen = "x:1", through = function(s) return s:where 'service != "dropped"' end }
local page = sink.pagerduty { routing_key = "k" }
events:where 'service = "cpu"':by "host":where(function(e) return e.metric > 10 end):to(page)
local up = events:where 'service = "up"'
up:with { service = "more" }:emit()
for i = 1, 3 do events:where('service = "cpu" and metric > ' .. i):index() end
rule "count" { every = 1, eval = function() return { state = "ok", metric = index 'service = "up"':count() } end }
rule "bad" { on = up:where 'metric >= 0', eval = function(e) error("oh") end }
every(2, function() end)
`

// usageLines shows each part as "KIND NAME IN>OUT", with groups, errors and
// quarantine where there are some, sorted.
func usageLines(t *testing.T, list []RuleUsage) string {
	t.Helper()
	var lines []string
	for _, r := range list {
		line := fmt.Sprintf("%s %s %d>%d", r.Kind, r.Name, r.In, r.Out)
		if r.Groups > 0 {
			line += fmt.Sprintf(" groups:%d", r.Groups)
		}
		if r.Errors > 0 {
			line += fmt.Sprintf(" errors:%d", r.Errors)
		}
		if r.Quarantined {
			line += " quarantined"
		}
		if r.In > 0 && r.Seconds <= 0 {
			t.Errorf("%s took no time", line)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func usageOf(t *testing.T, c *Config) *Usage {
	t.Helper()
	u, err := c.Usage(func(f func()) error { f(); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsage(t *testing.T) {
	r := startRun(t, usageFile)
	defer r.config.Close()
	for range 6 {
		r.step(1, "up", "a", "ok", 1)
	}
	before := usageOf(t, r.config)
	r.step(0, "cpu", "a", "ok", 50)
	r.step(0, "cpu", "b", "ok", 2)
	r.step(0, "noise", "b", "ok", 2)
	u := usageOf(t, r.config)
	// What rules make, and errors, go through events, but not through auto_index.
	want := `auto_index auto_index 9>8
every rules.lua:11 3>0
rule bad 6>0 errors:6 quarantined
rule count 6>6
stream rules.lua:5 2>1 groups:2
stream rules.lua:6 6>12
stream rules.lua:8 6>4
through graphite 0>0`
	if got := usageLines(t, u.Rules); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := 1; i < len(u.Rules); i++ {
		if u.Rules[i].Seconds > u.Rules[i-1].Seconds {
			t.Errorf("%s comes after %s", u.Rules[i].Name, u.Rules[i-1].Name)
		}
	}
	want = `auto_index auto_index 3>2
every rules.lua:11 0>0
rule bad 0>0 quarantined
rule count 0>0
stream rules.lua:5 2>1 groups:2
stream rules.lua:6 0>0
stream rules.lua:8 6>4
through graphite 0>0`
	if got := usageLines(t, u.Since(before)); got != want {
		t.Errorf("since the first reading: got\n%s\nwant\n%s", got, want)
	}
}

func TestUsageOfThrough(t *testing.T) {
	r := startRun(t, usageFile)
	defer r.config.Close()
	for _, service := range []string{"up", "dropped", "up"} {
		var p engine.Parts
		p.SetService(service)
		e := engine.Event{ID: r.config.Engine.Identities().Loose(p)}
		r.config.Engine.IngestThrough(&e, r.config.Sources[0].Through)
	}
	if got := usageLines(t, usageOf(t, r.config).Rules); !strings.Contains(got, "through graphite 3>2") {
		t.Errorf("got\n%s", got)
	}
}

func TestUsageOfOperators(t *testing.T) {
	r := startRun(t, usageFile)
	defer r.config.Close()
	r.step(0, "cpu", "a", "ok", 50)
	var got []string
	for _, rule := range usageOf(t, r.config).Rules {
		if rule.Name == "rules.lua:5" {
			for _, o := range rule.Operators {
				got = append(got, fmt.Sprintf("%s %s %s %d>%d", o.Name, o.Text, o.Pos, o.In, o.Out))
			}
		}
	}
	want := `where where 'service = "cpu"' rules.lua:5 1>1; by by "host" rules.lua:5 1>1; where where(function) rules.lua:5 1>1; to to(pagerduty) rules.lua:5 1>1`
	if strings.Join(got, "; ") != want {
		t.Errorf("\n got %s\nwant %s", strings.Join(got, "; "), want)
	}
}

// TestUsageEndsWithItsEngine: an engine that does not answer is an error.
func TestUsageEndsWithItsEngine(t *testing.T) {
	r := startRun(t, usageFile)
	defer r.config.Close()
	stopped := errors.New("stopped")
	calls := 0
	_, err := r.config.Usage(func(f func()) error {
		if calls++; calls == 2 {
			return stopped
		}
		f()
		return nil
	})
	if err != stopped {
		t.Errorf("got %v", err)
	}
}

// TestThroughCostsOnlyItself: what the streams behind events take is not the
// source's.
func TestThroughCostsOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRun(t, usageFile)
		defer r.config.Close()
		slow := &slowHandler{}
		r.config.Engine.Subscribe(nil, slow)
		for range 1000 {
			var p engine.Parts
			p.SetService("x")
			e := engine.Event{ID: r.config.Engine.Identities().Loose(p)}
			r.config.Engine.IngestThrough(&e, r.config.Sources[0].Through)
		}
		for _, u := range usageOf(t, r.config).Rules {
			if u.Kind == ThroughUsed && u.Seconds > 0 {
				t.Errorf("%s took %v s, which events did", u.Name, u.Seconds)
			}
		}
		if slow.n != 1000 {
			t.Errorf("%d events", slow.n)
		}
	})
}

// slowHandler takes some time of the wall's clock for each event.
type slowHandler struct{ n int }

func (s *slowHandler) Handle(*engine.Event)      { s.n++; time.Sleep(time.Microsecond) }
func (s *slowHandler) Fail(*engine.Event, error) {}

// TestUsageOfAFunctionInQuarantine: the operator on whose line it is says so,
// and so does its stream.
func TestUsageOfAFunctionInQuarantine(t *testing.T) {
	r := startRun(t, `settings { rule_timeout = 0.01 }
events:where 'service = "x"'
  :where(function(e) while true do end end)
`)
	defer r.config.Close()
	for range 3 {
		r.step(0, "x", "a", "ok", 1)
	}
	u := usageOf(t, r.config)
	if got, want := usageLines(t, u.Rules), "stream rules.lua:2 3>0 errors:3 quarantined"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for i, o := range u.Rules[0].Operators {
		if o.Quarantined != (i == 1) {
			t.Errorf("%s: quarantined is %v", o.Text, o.Quarantined)
		}
	}
}
