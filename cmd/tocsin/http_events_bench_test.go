package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"tocsin/engine"
)

// BenchmarkPostEvents measures POST /api/v1/events, from the body to the end of
// the (empty) streams: 10,000 events of 1,000 hosts a time.
func BenchmarkPostEvents(b *testing.B) {
	e := engine.New(engine.Options{}, 0)
	a := newAPI(engine.NewRunner(e, engine.NewWallClock(nowOf(0))), nil, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go a.runner.Run(ctx)
	var body bytes.Buffer
	const events = 10000
	for i := range events {
		fmt.Fprintf(&body, `{"host":"app%d","service":"http","state":"ok","time":%d.25,"metric":%d,"ttl":60,"tags":["prod"],"role":"app"}`+"\n",
			i%1000, 1700000000+i/1000, i)
	}
	b.ReportAllocs()
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		p := newPost(a)
		if err := p.read(ctx, bytes.NewReader(body.Bytes())); err != nil {
			b.Fatal(err)
		}
		if err := p.wait(ctx); err != nil || p.answer.Accepted != events {
			b.Fatal(p.answer, err)
		}
		a.decoders.Put(p.decoder)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}
