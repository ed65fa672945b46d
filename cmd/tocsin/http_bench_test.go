package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/engine/query"
)

// BenchmarkScanPiece measures for how long a query holds up the engine at a
// time: one piece of an index of a million entries, of which few match.
func BenchmarkScanPiece(b *testing.B) {
	const entries = 1 << 20
	e := engine.New(engine.Options{TTL: time.Hour}, 0)
	for i := range entries {
		p := engine.Parts{Attrs: []engine.Attr{{Key: "role", Value: "app"}}}
		p.SetService("http")
		p.Host, p.Has = fmt.Sprintf("host%d", i), p.Has|engine.HasHost
		ev := engine.Event{ID: e.Identities().Loose(p)}
		ev.SetMetric(float64(i % 1000))
		e.Ingest(&ev)
	}
	clock := engine.NewWallClock(nowOf(0))
	a := &api{runner: engine.NewRunner(e, clock), hard: context.Background()}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go a.runner.Run(ctx)
	q, err := query.Parse(`service =~ "ht%" and role = "app" and metric < 1`)
	if err != nil {
		b.Fatal(err)
	}
	s := &scan{api: a, query: q}
	b.ReportAllocs()
	for b.Loop() {
		if s.done {
			s.at, s.done = 0, false
		}
		s.found = s.found[:0]
		if err := s.more(); err != nil {
			b.Fatal(err)
		}
	}
}
