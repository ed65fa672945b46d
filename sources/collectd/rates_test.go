package collectd

import (
	"math"
	"testing"

	"tocsin/engine"
)

func TestRates(t *testing.T) {
	type sample struct {
		at    float64
		value any
	}
	for _, c := range []struct {
		name     string
		samples  []sample
		want     []float64
		problems []Problem
	}{
		{"counter", []sample{{10, uint64(100)}, {20, uint64(150)}, {25, uint64(150)}}, []float64{5, 0}, []Problem{First}},
		{"counter wraps at 32 bits", []sample{{10, uint64(math.MaxUint32)}, {20, uint64(9)}}, []float64{1}, []Problem{First}},
		{"counter wraps at 64 bits", []sample{{10, uint64(math.MaxUint64 - 4)}, {20, uint64(5)}}, []float64{1}, []Problem{First}},
		{"counter beyond 32 bits wraps at 64", []sample{{0.5, uint64(1 << 32)}, {1.5, uint64(1<<32 - 1)}}, []float64{math.MaxUint64}, []Problem{First}},
		{"derive", []sample{{10, int64(-5)}, {20, int64(5)}, {30, int64(-15)}}, []float64{1, -2}, []Problem{First}},
		{"derive over the whole range", []sample{{10, int64(math.MaxInt64)}, {11, int64(math.MinInt64)}}, []float64{1}, []Problem{First}},
		{"absolute", []sample{{10, absoluteValue(7)}, {20, absoluteValue(30)}}, []float64{3}, []Problem{First}},
		{"gauge", []sample{{10, 7.5}, {10, 8.5}, {5, 9.5}}, []float64{7.5, 8.5, 9.5}, nil},
		{"parts of a second", []sample{{10, uint64(0)}, {10.25, uint64(1)}}, []float64{4}, []Problem{First}},
		{"repeated", []sample{{10, uint64(0)}, {20, uint64(10)}, {20, uint64(10)}, {30, uint64(20)}}, []float64{1, 1}, []Problem{First, Old}},
		{"replayed", []sample{{10, uint64(0)}, {20, uint64(10)}, {5, uint64(900)}, {30, uint64(20)}}, []float64{1, 1}, []Problem{First, Old}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(DecoderOptions{})
			var events []engine.Event
			for _, s := range c.samples {
				events = append(events, h.decode(packet(nil).from("h", "p", "t", "", s.at).values(s.value))...)
			}
			wantMetrics(t, events, c.want...)
			want := c.problems
			h.problems[UnknownType] = 0
			h.want(t, want...)
		})
	}
}

func TestRawCounters(t *testing.T) {
	h := newHarness(DecoderOptions{Raw: true})
	p := packet(nil).from("h", "p", "t", "", 1).values(uint64(1<<63), int64(-7), absoluteValue(9), 1.5)
	wantMetrics(t, h.decode(p), 1<<63, -7, 9, 1.5)
	wantMetrics(t, h.decode(p), 1<<63, -7, 9, 1.5)
}

// Each host, instance and data source has a rate of its own.
func TestRatesAreKeptApart(t *testing.T) {
	h := newHarness(DecoderOptions{})
	at := func(seconds float64, n int64) packet {
		return packet(nil).from("a", "p", "if_octets", "", seconds).values(1*n, 2*n).
			text(partHost, "b").values(3*n, 4*n).text(partPluginInstance, "i").values(5*n, 6*n)
	}
	wantMetrics(t, h.decode(at(10, 10)))
	wantMetrics(t, h.decode(at(20, 20)), 1, 2, 3, 4, 5, 6)
}
