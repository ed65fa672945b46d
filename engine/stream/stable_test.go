package stream

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func stableFor(dt time.Duration, key engine.Key) func(s *Stream) (*Stream, error) {
	return func(s *Stream) (*Stream, error) { return s.Stable(dt, key) }
}

func TestStable(t *testing.T) {
	three := stableFor(3*time.Second, field("state"))
	ten := stableFor(10*time.Second, field("state"))
	runBenchCases(t, []benchCase{
		{"nothing before dt has passed", three, "0 state=a; 1 state=a; 2 state=a", ""},
		{"at dt all that was held comes out", three, "0 state=a; 1 state=a; 3 state=a", "0 state=a; 1 state=a; 3 state=a"},
		{"then events pass at once", three, "0 state=a; 3 state=a; 3.5 state=a", "0 state=a; 3 state=a; 3.5 state=a"},
		{"a later event proves it, though the clock stands still", three,
			"!0 state=a; !1 state=a; !2.9 state=a; !3 state=a; !4 state=a",
			"0 state=a; 1 state=a; 2.9 state=a; 3 state=a; 4 state=a"},
		{"a later event proves it at dt exactly", three, "!0 state=a; !3 state=a", "0 state=a; 3 state=a"},
		{"a spike of 2 s is left out, and so is what follows until it has lasted", three,
			"0 state=a; 3 state=a; 4 state=b; 5 state=b; 6 state=a; 9 state=a",
			"0 state=a; 3 state=a; 6 state=a; 9 state=a"},
		{"flapping is left out", three,
			"0 state=a; 10 state=a; 11 state=b; 11 state=a; 12 state=b; 13 state=c; 14 state=d; 17 state=d",
			"0 state=a; 10 state=a; 14 state=d; 17 state=d"},
		{"the clock releases, before an event of that instant", ten,
			"0 state=a; 1 state=b; 11 state=c", "1 state=b"},
		{"one tick earlier it does not", ten, "0 state=a; 1 state=b; 10.999999999 state=c", ""},
		{"the clock alone releases", ten, "0 state=a; 4 state=a; +6", "0 state=a; 4 state=a"},
		{"a change takes the timer with it", ten, "0 state=a; 9 state=b; +9.5", ""},
		{"the run of an event that comes late began when it says", ten, "+100; !95 state=a; +4.9", ""},
		{"and so is proved the earlier", ten, "+100; !95 state=a; +5", "95 state=a"},
		{"one that is later than dt is stable at once", ten, "+100; !80 state=a; +0", "80 state=a"},
		{"an event without time has the clock's", ten, "+5; !- state=a; +10", "- state=a"},
		{"absent is a value", three, "0; 3; 4 state=a", "0; 3"},
		{"expired is a state like others", three, "0 state=expired; +3", "0 state=expired"},
		{"an event without a usable key is left out, and breaks nothing", stableFor(3*time.Second, failing{errors.New("no key")}),
			"0 metric=1; 1 metric=13; 2 metric=1; +1", "0 metric=1; 2 metric=1"},
	})
	for _, dt := range []time.Duration{0, -time.Second} {
		if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Stable(dt, field("state")); err == nil {
			t.Errorf("stable for %v", dt)
		}
	}
}

// TestStableLaw: exactly the events of the runs that last dt or longer pass, in
// order; a run lasts until an event with another key, or until the clock.
func TestStableLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const dt = 5
		b := newBench(t, stableFor(dt*time.Second, field("state")))
		type run struct {
			state string
			since float64
			ids   []float64
		}
		var want []float64
		var at float64
		var now run
		end := func() {
			if at-now.since >= dt {
				want = append(want, now.ids...)
			}
		}
		for i := range rapid.IntRange(0, 40).Draw(rt, "n") {
			at += float64(rapid.IntRange(0, 12).Draw(rt, "gap")) / 4
			state := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "state")
			if state != now.state {
				end()
				now = run{state: state, since: at}
			}
			now.ids = append(now.ids, float64(i))
			b.send(b.ev(at, float64(i), "state", state))
		}
		wait := float64(rapid.IntRange(0, 12).Draw(rt, "wait"))
		b.advance(wait)
		at += wait
		end()
		if got := b.metrics(); !slices.Equal(got, want) {
			rt.Fatalf("passed %v, want %v", got, want)
		}
	})
}

// TestStableLong holds more than the buffer that is kept for the next run.
func TestStableLong(t *testing.T) {
	b := newBench(t, stableFor(10*time.Second, field("state")))
	for range 2 {
		b.got = nil
		at := b.engine.Now().Seconds()
		for i := range 200 {
			b.send(b.ev(at+float64(i)/100, float64(i), "state", "a"))
		}
		b.advance(10)
		if got := b.metrics(); len(got) != 200 || got[199] != 199 {
			t.Errorf("%d passed, want 200", len(got))
		}
		b.send(b.ev(b.engine.Now().Seconds(), 0, "state", "b"))
	}
}
