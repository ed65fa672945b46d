package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

type countingHandler struct{ n int }

func (c *countingHandler) Handle(*Event)      { c.n++ }
func (c *countingHandler) Fail(*Event, error) {}

// BenchmarkIngest is the engine's own part of an event: batch to index, and
// three of a hundred heads of streams that it matches.
func BenchmarkIngest(b *testing.B) {
	for _, series := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("series=%d", series), func(b *testing.B) {
			e := New(Options{}, 1e18)
			h := &countingHandler{}
			for range 3 {
				e.Subscribe(nil, h)
			}
			r := NewRunner(e, nil)
			in := r.Input(InputOptions{Name: "bench"}).(*input)
			ids := make([]*Identity, series)
			for i := range ids {
				var p Parts
				p.SetHost(fmt.Sprintf("host%d.example.net", i/100))
				p.SetService(fmt.Sprintf("service.%d", i%100))
				ids[i], _ = e.ids.Intern(p)
			}
			// Events do not come in the order in which memory was given out.
			rand.New(rand.NewPCG(1, 2)).Shuffle(series, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			next := 0
			round := func() {
				batch := in.Batch()
				for !batch.Full() {
					ev := batch.Add(ids[next])
					ev.SetMetric(1)
					ev.SetTime(1e18)
					if next++; next == series {
						next = 0
						e.Advance(e.now+10e9, 0)
					}
				}
				r.serve(batch)
			}
			for range series/BatchSize + 1 {
				round()
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i += BatchSize {
				round()
			}
		})
	}
}
