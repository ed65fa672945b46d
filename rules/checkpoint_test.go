package rules

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// savedFile uses what keeps state, in Lua and in Go.
const savedFile = `
local out = sink.led {}
local up = events:where "service = 'up'"
up:by("host"):changed("state", { init = "ok" }):to(out)
up:by("host"):stable(5, "state"):throttle(2, 10):to(out)
events:where(function(e) return e.metric ~= nil and e.metric > 1 end)
  :by("service"):fixed_time_window(4):fold("sum"):with { service = "sum" }:emit():to(out)
events:where "metric > 0":reduce(function(acc, e) return acc:with { metric = acc.metric + e.metric } end):to(out)
local fine, failed = events:where "service = 'bad'":map(function(e) return e.metric + nil end):catch()
failed:rollup(1, 6):to(out)
rule "load" {
  every = 3,
  eval = function()
    local n = index "service = 'up'":count()
    if n > 0 then return { state = n > 1 and "critical" or "ok", metric = n } end
  end,
}
rule "told" { on = events:where "service = 'load'":changed("metric"), eval = function(e) return { metric = e.metric } end }
rule "tree" { every = 2, eval = all("load", "told") }
every(7, function() if index("a", "up") then event { service = "beat" } end end)
events:where "service = 'load' or service = 'told' or service = 'tree' or state = 'expired' or tagged 'tocsin'":to(out)
`

// savedRun is a configuration with what it put into its sink.
type savedRun struct {
	config *Config
	got    []string
}

func (r *savedRun) Put(m engine.Message) {
	for i := range m.Events {
		text := engine.AppendJSON(nil, &m.Events[i])
		r.got = append(r.got, fmt.Sprint(m.List, r.config.Engine.Now().Seconds(), " ", string(text)))
	}
}

func (r *savedRun) Flush() {}

func newSavedRun(t *testing.T) *savedRun {
	r := &savedRun{}
	r.config = mustLoad(t, savedFile, Options{Output: func(*Sink) (engine.Output, error) { return r, nil }})
	return r
}

func (r *savedRun) save() engine.RecordMap {
	c := engine.Checkpoint{Whole: true}
	r.config.Engine.Save(&c)
	r.config.Graph.Save(&c)
	records := make(engine.RecordMap)
	records.Apply(&c)
	return records
}

func (r *savedRun) load(records engine.RecordMap) error {
	l := engine.NewLoading(records, r.config.Engine.Identities())
	if err := r.config.Engine.Load(l); err != nil {
		return err
	}
	r.config.Start()
	r.config.Graph.Load(l)
	if l.Skipped() > 0 {
		return fmt.Errorf("%d pieces were skipped", l.Skipped())
	}
	return nil
}

// step moves the clock and ingests an event.
func (r *savedRun) step(seconds int, service, host, state string, metric float64) {
	e := r.config.Engine
	e.Advance(e.Now().Add(engine.Seconds(float64(seconds))), 0)
	var p engine.Parts
	p.SetService(service)
	p.SetHost(host)
	ev := engine.Event{ID: e.Identities().Loose(p)}
	ev.SetState(state)
	ev.SetMetric(metric)
	ev.SetTTL(engine.Seconds(10))
	e.Ingest(&ev)
}

// TestRestoreOfRules: a whole configuration, its rules' timers and what they
// said last, goes on as if it had not been saved and restored.
func TestRestoreOfRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		whole, cut := newSavedRun(t), newSavedRun(t)
		whole.config.Start()
		cut.config.Start()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if rapid.IntRange(0, 3).Draw(rt, "cut") == 0 {
				data := cut.save()
				next := newSavedRun(t)
				if err := next.load(data); err != nil {
					rt.Fatal(err)
				}
				next.got = cut.got
				cut = next
			}
			seconds, metric := rapid.IntRange(0, 6).Draw(rt, "seconds"), float64(rapid.IntRange(0, 3).Draw(rt, "metric"))
			service := rapid.SampledFrom([]string{"up", "up", "cpu", "bad"}).Draw(rt, "service")
			host := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "host")
			state := rapid.SampledFrom([]string{"ok", "critical", "expired"}).Draw(rt, "state")
			whole.step(seconds, service, host, state, metric)
			cut.step(seconds, service, host, state, metric)
		}
		if !slices.Equal(whole.got, cut.got) {
			rt.Fatalf("whole:\n%q\ncut:\n%q", whole.got, cut.got)
		}
	})
}
