package stream

import (
	"fmt"
	"testing"

	"tocsin/engine"
)

// BenchmarkSucceed is how long a reload keeps the engine busy: with many
// series in the index, which nothing has to be done for, and with a group for
// each of them.
func BenchmarkSucceed(b *testing.B) {
	for _, c := range []struct {
		series int
		groups bool
	}{{100_000, false}, {100_000, true}, {1_000_000, false}} {
		b.Run(fmt.Sprintf("series=%d/groups=%v", c.series, c.groups), func(b *testing.B) {
			draw := func(table *engine.Identities) *Graph {
				g := NewGraph(engine.New(engine.Options{Table: table}, 0))
				s := g.Events()
				if c.groups {
					s = byFields(b, s, "host").Changed(engine.FieldNamed("state"), ChangedOptions{})
				}
				s.Each(func(engine.Message) error { return nil })
				return g
			}
			g := draw(nil)
			g.Start()
			for i := range c.series {
				var p engine.Parts
				p.SetHost(fmt.Sprint("host", i))
				p.SetService("cpu")
				e := engine.Event{ID: g.engine.Identities().Loose(p)}
				e.SetState("ok")
				g.engine.Ingest(&e)
			}
			b.ReportAllocs()
			for b.Loop() {
				next := draw(g.engine.Identities())
				if dropped := next.Succeed(g, next.Start); dropped > 0 {
					b.Fatal(dropped)
				}
				g = next
			}
			if n := g.engine.Index().Len(); n != c.series {
				b.Fatalf("%d of %d entries", n, c.series)
			}
		})
	}
}
