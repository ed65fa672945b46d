package rules

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"tocsin/engine"
)

// directly is what WatchKept gets in tests.
func directly(f func()) error { f(); return nil }

// TestKeptIsAboutRight compares the estimate with the heap, for what fills memory
// in different ways.
func TestKeptIsAboutRight(t *testing.T) {
	for name, fill := range map[string]string{
		"numbers":        `for i = 1, 200000 do all[i] = i + 0.5 end`,
		"strings":        `for i = 1, 50000 do all[i] = ("x"):rep(100) .. i end`,
		"keys":           `for i = 1, 50000 do all["host " .. i] = i end`,
		"keys let go of": `for i = 1, 50000 do all["host " .. i] = i all["host " .. i] = nil end`,
		"tables":         `for i = 1, 30000 do all[i] = { i } end`,
		"records":        `for i = 1, 10000 do all[i] = { host = "h" .. i, count = i, last = i } end`,
		"functions":      `for i = 1, 30000 do all[i] = function() return i end end`,
		"events":         `for i = 1, 20000 do all[i] = event { host = "a", service = "b", metric = i } end`,
	} {
		c := mustLoad(t, `all = {} rule "fill" { every = 1, eval = function() `+fill+` end }`, Options{})
		c.Start()
		before := heapNow()
		c.Engine.Advance(engine.TimeOf(1.5), 0)
		grown := float64(heapNow() - before)
		if err := c.WatchKept(directly); err != nil {
			t.Fatal(err)
		}
		if got := c.kept.bytes.Get(); got < grown/2 || got > grown*2 {
			t.Errorf("%s: %.0f bytes are kept, the estimate is %.0f", name, grown, got)
		}
		runtime.KeepAlive(c)
	}
}

func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	return int64(heapBytes())
}

// TestKeptTells: an event says when it gets to be much, and which variable it is.
func TestKeptTells(t *testing.T) {
	c := mustLoad(t, `
settings { rule_memory = 1 }
local seen = {}
local helper = function(e) seen[#seen + 1] = ("x"):rep(1000) .. #seen end
rule "grow" { on = events:where 'service = "grow"', eval = function(e) for i = 1, e.metric do helper() end end }
rule "shrink" { on = events:where 'service = "shrink"', eval = function() for i = #seen, 1, -1 do seen[i] = nil end end }
`, Options{})
	told := &notices{}
	c.Engine.Subscribe(nil, told)
	c.Start()
	for now, step := range []struct {
		service string
		metric  float64
		want    string
	}{
		{"grow", 500, ""},
		{"grow", 700, `tocsin memory warning rules keep about 1 MiB in variables (settings.rule_memory is 1), 1 MiB of it in the variable "seen" of the function at rules.lua:4`},
		{"grow", 700, ""},
		{"grow", 3000, `tocsin memory critical rules keep at least 4 MiB in variables (settings.rule_memory is 1), 3 MiB of it in the variable "seen" of the function at rules.lua:4`},
		{"shrink", 0, `tocsin memory ok rules keep less than 1 MiB in variables again`},
		{"other", 0, ""},
	} {
		var p engine.Parts
		p.SetService(step.service)
		e := engine.Event{ID: c.Engine.Identities().Loose(p)}
		e.SetMetric(step.metric)
		c.Engine.Advance(engine.TimeOf(float64(now)), 0)
		c.Engine.Ingest(&e)
		if err := c.WatchKept(directly); err != nil {
			t.Fatal(err)
		}
		c.Engine.Advance(engine.TimeOf(float64(now)+0.5), 0)
		if got := strings.Join(*told, "; "); got != step.want {
			t.Errorf("%s %v: told %q, want %q", step.service, step.metric, got, step.want)
		}
		*told = nil
	}
}

// notices are what Tocsin tells of itself.
type notices []string

func (n *notices) Handle(e *engine.Event) {
	if e.ID.Service == "tocsin memory" || e.ID.Service == "tocsin error" {
		*n = append(*n, e.ID.Service+" "+e.State+" "+e.Description)
	}
}
func (*notices) Fail(*engine.Event, error) {}

// TestKeptOfAnything: whatever hangs in variables, the walk comes to an end.
func TestKeptOfAnything(t *testing.T) {
	for _, text := range []string{
		`t = {} t.t = t setmetatable(t, t)`,
		`t = {} for i = 1, 3 do t[i] = i end t[10] = 1 t[5] = 1 t[4] = 1 t[2] = nil`,
		`t = { co = coroutine.create(function() end), w = coroutine.wrap(function() end), s = events, k = sink }`,
		`local f f = function() return f end g = f`,
		`local f = 1 for i = 1, 100000 do local before = f f = function() return before end end g = f`,
		`t = {} for i = 1, 100000 do t = { t } end`,
		`local g = _G for k in pairs(g) do g[k] = nil end`,
	} {
		c := mustLoad(t, text, Options{})
		if err := c.WatchKept(directly); err != nil {
			t.Error(err)
		}
	}
	c := mustLoad(t, "", Options{})
	failed := errors.New("not now")
	if err := c.WatchKept(func(func()) error { return failed }); err != failed {
		t.Errorf("got %v", err)
	}
}

// BenchmarkWatchKept is of 100,000 hosts with a small table each.
func BenchmarkWatchKept(b *testing.B) {
	c := mustLoad(b, `all = {} for i = 1, 100000 do all["host" .. i] = { count = i, last = i } end`, Options{})
	b.ReportAllocs()
	for b.Loop() {
		if err := c.WatchKept(directly); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(c.kept.bytes.Get()/100_000, "bytes/host")
}
