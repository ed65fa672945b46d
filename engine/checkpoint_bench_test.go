package engine

import (
	"fmt"
	"testing"
)

// BenchmarkSave writes the entries of 100,000 services that have all changed.
func BenchmarkSave(b *testing.B) {
	e := New(Options{}, TimeOf(1000))
	e.Track()
	events := make([]Event, 100_000)
	for i := range events {
		id, err := e.ids.Intern(serviceParts(fmt.Sprintf("app-%d.cpu.user", i), "rack", "1"))
		if err != nil {
			b.Fatal(err)
		}
		events[i] = Event{ID: id, Has: HasTime | HasMetric, Time: e.now, Metric: 1.5}
	}
	var c Checkpoint
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range events {
			ev := events[i]
			e.Ingest(&ev)
		}
		c.Reset()
		b.StartTimer()
		e.Save(&c)
		c.Finish()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/entry")
	b.ReportMetric(float64(c.Size())/float64(len(events)), "B/entry")
}
