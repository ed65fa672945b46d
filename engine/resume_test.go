package engine

import (
	"testing"
	"time"
)

// TestAfter: time in which the engine did not run does not count.
func TestAfter(t *testing.T) {
	e := New(Options{}, 0)
	for _, now := range []float64{100, 1100, 1110, 1200} {
		if now == 1100 || now == 1200 {
			e.Resume(TimeOf(now))
		} else {
			e.Advance(TimeOf(now), 0)
		}
	}
	e = reloaded(t, e)
	for _, test := range []struct{ from, lasts, want float64 }{
		{50, 50, 100}, // over before
		{50, 51, 1101},
		{100, 5, 1105},
		{600, 5, 1105}, // made on the way
		{1100, 5, 1105},
		{50, 61, 1201},
		{1105, 6, 1201},
		{1150, 6, 1206},
		{1200, 6, 1206},
		{1201, 6, 1207},
		{50, 1e300, 1e300},
	} {
		if got := e.After(TimeOf(test.from), Seconds(test.lasts)); got != TimeOf(test.want) {
			t.Errorf("%v s after %v are over at %v, want %v", test.lasts, test.from, got.Seconds(), test.want)
		}
	}
}

// TestResumeKeepsLife: what lived when the engine stopped has not expired when it
// runs again, and what had expired counts for as long as it would have.
func TestResumeKeepsLife(t *testing.T) {
	e := reloaded(t, savedEngine(time.Minute)) // a has expired
	e.Resume(e.now.Add(time.Hour))
	var expired, visible int
	e.index.Scan(0, 10, func(ev *Event) {
		visible++
		if e.HasExpired(ev) {
			expired++
		}
	})
	if visible != 3 || expired != 1 {
		t.Errorf("%d entries are visible, %d have expired; want 3, 1", visible, expired)
	}
	set := e.index.Set("all", nil, time.Minute)
	if set.Len() != 3 {
		t.Errorf("%d entries count, want 3", set.Len())
	}
	e.Advance(e.now.Add(59*time.Second), 0)
	if set.Len() != 2 { // a has expired 2 s before
		t.Errorf("%d entries count a minute later, want 2", set.Len())
	}
}
