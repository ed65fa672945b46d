package engine

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSecondsAndBack(t *testing.T) {
	for _, c := range []struct {
		seconds float64
		want    Time
	}{
		{0, 0}, {1, 1e9}, {-1, -1e9}, {0.1, 1e8}, {1e-9, 1}, {4e-10, 0}, {6e-10, 1}, {-6e-10, -1}, {1700000000.25, 1700000000250000000},
		{math.NaN(), 0}, {math.Inf(1), math.MaxInt64}, {math.Inf(-1), math.MinInt64}, {9.3e9, math.MaxInt64}, {-1e300, math.MinInt64},
	} {
		if got := TimeOf(c.seconds); got != c.want {
			t.Errorf("TimeOf(%v) = %d, want %d", c.seconds, got, c.want)
		}
		if got := Seconds(c.seconds); got != time.Duration(c.want) {
			t.Errorf("Seconds(%v) = %d, want %d", c.seconds, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		// Up to here each nanosecond is a float64 of its own.
		n := rapid.Int64Range(-1<<52, 1<<52).Draw(t, "nanoseconds")
		if got := TimeOf(Time(n).Seconds()); got != Time(n) {
			t.Fatalf("%d ns come back as %d", n, got)
		}
		if got := Seconds(InSeconds(time.Duration(n))); got != time.Duration(n) {
			t.Fatalf("%d ns come back as %d", n, got)
		}
		// Above it, each float64 is a time of its own.
		s := rapid.Float64Range(1<<23, 9.19e9).Draw(t, "seconds")
		for _, s := range []float64{s, -s} {
			if got := TimeOf(s).Seconds(); got != s {
				t.Fatalf("%v s come back as %v", s, got)
			}
		}
		a, b := rapid.Float64Range(-9.19e9, 9.19e9).Draw(t, "a"), rapid.Float64Range(-9.19e9, 9.19e9).Draw(t, "b")
		if a < b && TimeOf(a) > TimeOf(b) {
			t.Fatalf("the order of %v and %v is lost", a, b)
		}
	})
}

func TestTimeStopsAtTheEnds(t *testing.T) {
	const first, last = Time(math.MinInt64), Time(math.MaxInt64)
	for _, c := range []struct {
		t    Time
		d    time.Duration
		want Time
	}{
		{5, 3, 8}, {5, -8, -3}, {last, 1, last}, {last - 1, math.MaxInt64, last}, {first, -1, first}, {0, math.MinInt64, first}, {last, math.MinInt64, -1},
	} {
		if got := c.t.Add(c.d); got != c.want {
			t.Errorf("%d + %d = %d, want %d", c.t, c.d, got, c.want)
		}
	}
	for _, c := range []struct {
		t, u Time
		want time.Duration
	}{
		{8, 5, 3}, {5, 8, -3}, {last, 0, math.MaxInt64}, {last, -1, math.MaxInt64}, {last, first, math.MaxInt64},
		{first, 1, math.MinInt64}, {first, last, math.MinInt64}, {-1, last, math.MinInt64}, {first, first, 0},
	} {
		if got := c.t.Sub(c.u); got != c.want {
			t.Errorf("%d - %d = %d, want %d", c.t, c.u, got, c.want)
		}
	}
	if got := TimeOf(86400.5).Wall(); !got.Equal(time.Date(1970, 1, 2, 0, 0, 0, 5e8, time.UTC)) {
		t.Errorf("got %v", got)
	}
}
