package rules

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// succeededBy loads a text beside the configuration of r, which it succeeds and
// ends.
func (r *savedRun) succeededBy(t testing.TB, text string) (next *savedRun, dropped int) {
	next = &savedRun{got: r.got}
	var err error
	next.config, err = LoadString("rules.lua", text, "testdata", Options{
		Before: r.config, Output: func(*Sink) (engine.Output, error) { return next, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	dropped = next.config.Succeed(r.config)
	r.config.Close()
	return next, dropped
}

// startRun loads a text and starts it. The caller closes it.
func startRun(t testing.TB, text string) *savedRun {
	r := &savedRun{}
	var err error
	r.config, err = LoadString("rules.lua", text, "testdata", Options{Output: func(*Sink) (engine.Output, error) { return r, nil }})
	if err != nil {
		t.Fatal(err)
	}
	r.config.Start()
	return r
}

// TestSuccessionOfRules: configurations of the same file that succeed one
// another give what one of them gives.
func TestSuccessionOfRules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		whole, cut := startRun(t, savedFile), startRun(t, savedFile)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if rapid.IntRange(0, 3).Draw(rt, "cut") == 0 {
				var dropped int
				if cut, dropped = cut.succeededBy(t, savedFile); dropped > 0 {
					rt.Fatalf("%d pieces of state were dropped", dropped)
				}
			}
			seconds, metric := rapid.IntRange(0, 6).Draw(rt, "seconds"), float64(rapid.IntRange(0, 3).Draw(rt, "metric"))
			service := rapid.SampledFrom([]string{"up", "up", "cpu", "bad"}).Draw(rt, "service")
			host := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "host")
			state := rapid.SampledFrom([]string{"ok", "critical", "expired"}).Draw(rt, "state")
			whole.step(seconds, service, host, state, metric)
			cut.step(seconds, service, host, state, metric)
		}
		whole.config.Close()
		cut.config.Close()
		if !slices.Equal(whole.got, cut.got) {
			rt.Fatalf("whole:\n%q\ncut:\n%q", whole.got, cut.got)
		}
		if w, c := whole.config.Engine.Stats(), cut.config.Engine.Stats(); w != c {
			rt.Fatalf("counted %+v, want %+v", c, w)
		}
	})
}

func TestSucceededConfigIsGarbage(t *testing.T) {
	run, old := succeedOnce(t)
	for range 5 {
		runtime.GC()
	}
	if old.Value() != nil {
		t.Error("the old configuration is still there")
	}
	run.step(5, "up", "a", "ok", 1)
	run.config.Close()
}

func succeedOnce(t *testing.T) (*savedRun, weak.Pointer[Config]) {
	before := startRun(t, savedFile)
	for i := range 20 {
		before.step(1, []string{"up", "cpu", "bad"}[i%3], []string{"a", "b"}[i%2], "critical", float64(i))
	}
	after, _ := before.succeededBy(t, savedFile)
	return after, weak.Make(before.config)
}

// TestChangedRules is what becomes of state when rules change.
func TestChangedRules(t *testing.T) {
	const three = `
local out = sink.led {}
events:where "service = 'n'":by("host"):reduce(function(a, e) return a:with { metric = a.metric + e.metric } end):to(out)
`
	for _, c := range []struct {
		name, before, after string
		dropped             int
		want                string // the sum of 1 + 1, the reload, and 1 + 1 more
	}{
		{"nothing", three, three, 0, "4"},
		{"lines move", three, "\n\n-- a comment\n" + three, 0, "4"},
		{"a stream is added", three, three + `events:where "metric > 9":throttle(1, 5):to(out)`, 0, "4"},
		{"a stream is removed", three + `events:where "service = 'n'":batch(9, 99):to(out)`, three, 1, "4"},
		{"another one of its operators", three, strings.Replace(three, ":to(out)", ":with { state = 'x' }:to(out)", 1), 0, "4"},
		{"an operator in front", three, strings.Replace(three, ":reduce", ":tag('t'):reduce", 1), 1, "2"},
		{"its function", three, strings.Replace(three, "a.metric + e.metric", "a.metric + 10 * e.metric", 1), 0, "22"},
		{"its query", three, strings.Replace(three, "service = 'n'", "service = 'n' and metric > 0", 1), 2, "2"},
		{"the keys of by", three, strings.Replace(three, `by("host")`, `by("service")`, 1), 2, "2"},
		{"into a rule", three, "rule 'r' { every = 60, eval = function() end }" + three, 0, "4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := startRun(t, c.before)
			run.step(1, "n", "a", "ok", 1)
			run.step(1, "n", "a", "ok", 1)
			run, dropped := run.succeededBy(t, c.after)
			defer run.config.Close()
			if dropped != c.dropped {
				t.Errorf("%d pieces of state were dropped, want %d", dropped, c.dropped)
			}
			run.step(1, "n", "a", "ok", 1)
			run.step(1, "n", "a", "ok", 1)
			if last := run.got[len(run.got)-1]; !strings.Contains(last, `"metric":`+c.want+",") && !strings.Contains(last, `"metric":`+c.want+"}") {
				t.Errorf("the sum is in %s, want %s", last, c.want)
			}
		})
	}
}

// TestRuleGoesOn: what was counted of a rule, what it said last, and its
// quarantine go over to the rule of the same name.
func TestRuleGoesOn(t *testing.T) {
	const text = `
rule "bad" { every = 1, eval = function() return nil + 1 end }
rule "good" { every = 1, eval = function() return "ok" end }
`
	run := startRun(t, text)
	run.step(20, "x", "a", "ok", 1)
	before := *run.config.rules["bad"]
	evaluated := run.config.rules["good"].evaluations.Get()
	run, _ = run.succeededBy(t, strings.Replace(text, "nil + 1", "'ok'", 1))
	defer run.config.Close()
	bad, good := run.config.rules["bad"], run.config.rules["good"]
	if before.quarantine.pause == 0 || bad.quarantine.until != before.quarantine.until || bad.skipped.Get() != before.skipped.Get() {
		t.Errorf("quarantine %+v, before %+v", bad.quarantine, before.quarantine)
	}
	if !good.spoke || good.evaluations.Get() != evaluated || evaluated == 0 {
		t.Errorf("the good rule: spoke %v, evaluated %d times, before %d", good.spoke, good.evaluations.Get(), evaluated)
	}
	run.step(60, "x", "a", "ok", 1)
	if bad.quarantine.pause != 0 {
		t.Error("a rule that was mended is still in quarantine")
	}
}

// TestSettingsAfterReload: the settings of the new file hold.
func TestSettingsAfterReload(t *testing.T) {
	run := startRun(t, `settings { ttl = 5, identities = 10 }`)
	run.step(1, "x", "a", "ok", 1)
	run, _ = run.succeededBy(t, `settings { ttl = 50, identities = 2, auto_index = "service != 'z'" }`)
	defer run.config.Close()
	e := run.config.Engine
	if e.TTL() != engine.Seconds(50) {
		t.Errorf("ttl %v", e.TTL())
	}
	run.step(1, "y", "a", "ok", 1)
	run.step(1, "z", "a", "ok", 1)
	run.step(1, "w", "a", "ok", 1)
	if x, y := e.Index().Lookup("a", "x"), e.Index().Lookup("a", "y"); x == nil || y == nil || e.Index().Len() != 2 || e.Stats().Rejected == 0 {
		t.Errorf("%v, %v; %d entries, %+v", x, y, e.Index().Len(), e.Stats())
	}
}

// TestShorterPeriods: what is to happen more often begins with that at once, not
// when the old period has ended.
func TestShorterPeriods(t *testing.T) {
	text := func(dt string) string {
		return strings.ReplaceAll(`
local out = sink.led {}
rule "r" { every = DT, eval = function() return "ok" end }
events:where "service = 'n'":throttle(1, DT):to(out)
events:where "service = 'n'":rollup(1, DT):to(out)
events:where "service = 'm'":batch(9, DT):to(out)
events:where "service = 'r'":to(out)
`, "DT", dt)
	}
	run := startRun(t, text("3600"))
	run.step(10, "n", "a", "ok", 1)
	run.step(0, "m", "a", "ok", 1)
	run, dropped := run.succeededBy(t, text("20"))
	defer run.config.Close()
	run.got = nil
	run.step(19, "n", "a", "ok", 1) // still held back by both
	if len(run.got) != 0 || dropped != 0 {
		t.Errorf("after 19 s: %q; %d pieces dropped", run.got, dropped)
	}
	run.step(2, "n", "a", "ok", 1)
	if len(run.got) != 6 { // two of them expiries, in the lists
		t.Errorf("after 21 s: %q, want those of the rule, the rollup, the batch and the throttle", run.got)
	}
}
