package main

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkBytesToStreams takes graphite's bytes through decoding, the index,
// where, by, rate and changed, as gridRules draws them, and shows that an event
// of a series seen before allocates nothing anywhere on the way.
func BenchmarkBytesToStreams(b *testing.B) {
	for _, series := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("series=%d", series), func(b *testing.B) {
			r, err := newRig(gridRules(100), false, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer r.close()
			pieces, size := graphiteLines(series)
			rounds := &repeated{pieces: pieces}
			decode := func(events int) {
				rounds.left = (events + series - 1) / series
				before := r.events()
				if err := r.source.(decoder).Decode(context.Background(), rounds, r.input); err != nil {
					b.Fatal(err)
				}
				for r.events() < before+int64(series) {
					<-time.After(time.Millisecond)
				}
			}
			decode(2 * series)
			b.SetBytes(int64(size / series))
			b.ReportAllocs()
			b.ResetTimer()
			decode(b.N)
		})
	}
}
