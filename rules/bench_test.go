package rules

import (
	"strings"
	"testing"
	"time"

	"tocsin/engine"
)

// BenchmarkPredicate compares a query with the same condition as a function,
// compiled and in the VM.
func BenchmarkPredicate(b *testing.B) {
	const text = `return function(e) return e.metric > 5 and e.state == "ok" end`
	for _, bench := range []struct {
		name, text string
		vm         bool
	}{
		{"query", `return 'metric > 5 and state = "ok"'`, false},
		{"function", text, false},
		{"function-vm", text, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := mustLoad(b, "", Options{})
			p, _, err := c.predicate(luaResult(b, c, bench.text))
			if err != nil {
				b.Fatal(err)
			}
			if f, isFunction := p.(function); isFunction {
				if f.program == nil {
					b.Fatal("it is not compiled")
				}
				if bench.vm {
					f.program = nil
					p = f
				}
			}
			e := engine.Event{ID: c.Engine.Identities().Loose(engine.Parts{Host: "a", Has: engine.HasHost})}
			e.SetMetric(6)
			e.SetState("ok")
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Match(&e); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkKey reads a key that a function computes.
func BenchmarkKey(b *testing.B) {
	c := mustLoad(b, "", Options{})
	k, err := c.key(luaResult(b, c, `return function(e) if e.metric > 5 then return e.host end return e.service:sub(1, 3) end`))
	if err != nil {
		b.Fatal(err)
	}
	var parts engine.Parts
	parts.SetService("cpu/percent-user")
	e := engine.Event{ID: c.Engine.Identities().Loose(parts)}
	e.SetMetric(4)
	b.ReportAllocs()
	for b.Loop() {
		if v, err := k.Value(&e); v.Str != "cpu" || err != nil {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkMap passes events through a function that returns a changed copy.
func BenchmarkMap(b *testing.B) {
	c := mustLoad(b, `events:map(function(e) return e:with { metric = e.metric * 2 } end)`, Options{})
	c.Start()
	ev := engine.Event{ID: c.Engine.Identities().Loose(engine.Parts{Host: "a", Has: engine.HasHost})}
	ev.SetMetric(1)
	b.ReportAllocs()
	for b.Loop() {
		e := ev
		c.Engine.Ingest(&e)
	}
}

// BenchmarkRuleOverIndex evaluates 100 rules over standing queries on an index
// of 10,000 entries: an iteration is one tick of all of them.
func BenchmarkRuleOverIndex(b *testing.B) {
	c := mustLoad(b, `for i = 1, 100 do
		rule("r" .. i) { every = 0.1, eval = function()
			local up = index 'role = "app"':share "metric = 1"
			return { state = up > 0.8 and "ok" or "critical", metric = up }
		end }
	end`, Options{})
	c.Start()
	for i := range 10_000 {
		p := engine.Parts{}
		p.SetHost(strings.Repeat("h", i%7) + time.Duration(i).String())
		p.SetService("http")
		p.SetAttr("role", "app")
		e := engine.Event{ID: c.Engine.Identities().Loose(p)}
		e.SetMetric(1)
		e.SetTTL(time.Hour)
		c.Engine.Ingest(&e)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Engine.Advance(c.Engine.Now().Add(100*time.Millisecond), 0)
	}
}

// BenchmarkTest runs a file of tests, each in a configuration of its own.
func BenchmarkTest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		passed, failed, err := Test(b.Context(), []string{"testdata/language/shop_test.lua"}, TestOptions{})
		if err != nil || failed > 0 || passed == 0 {
			b.Fatal(passed, failed, err)
		}
	}
}
