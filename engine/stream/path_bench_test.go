package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tocsin/engine"
)

// BenchmarkPath is an event's way through an engine with three streams that
// match: a rate per host, a state that may change per series, and a condition
// that does not hold. Other streams that cannot match make up the hundred.
func BenchmarkPath(b *testing.B) {
	for _, series := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("series=%d", series), func(b *testing.B) {
			e := engine.New(engine.Options{}, 1e18)
			g := NewGraph(e)
			host, service := engine.FieldNamed("host"), engine.FieldNamed("service")
			byHost, _ := g.Events().Where(dynamic(func(e *engine.Event) bool { return e.Metric >= 0 })).By(host)
			byHost.Rate(10 * time.Second)
			bySeries, _ := g.Events().By(host, service)
			bySeries.Changed(engine.FieldNamed("state"), ChangedOptions{})
			g.Events().Over(1e9).Emit()
			for i := range 97 {
				s, _ := g.Events().Tagged(fmt.Sprint("other", i))
				s.Emit()
			}
			g.Start()
			ids := make([]*engine.Identity, series)
			for i := range ids {
				var p engine.Parts
				p.SetHost(fmt.Sprintf("host%d.example.net", i/100))
				p.SetService(fmt.Sprintf("service.%d", i%100))
				ids[i], _ = e.Identities().Intern(p)
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(series, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			next := 0
			var ev engine.Event
			serve := func() {
				ev = engine.Event{ID: ids[next]}
				ev.SetMetric(1)
				ev.SetState("ok")
				e.Ingest(&ev)
				if next++; next == series {
					next = 0
					e.Advance(e.Now()+10e9, 0)
				}
			}
			for range series + 1 {
				serve()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				serve()
			}
		})
	}
}
