package stream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func TestEventWindows(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"moving", func(s *Stream) (*Stream, error) { return s.MovingWindow(2) },
			"0 metric=1; 0 metric=2; 0 metric=3; 0 metric=4; 0 metric=5; 0 metric=6",
			"[0 metric=1]; [0 metric=1 | 0 metric=2]; [0 metric=2 | 0 metric=3]; [0 metric=3 | 0 metric=4]; [0 metric=4 | 0 metric=5]; [0 metric=5 | 0 metric=6]"},
		{"moving, of one", func(s *Stream) (*Stream, error) { return s.MovingWindow(1) },
			"0 metric=1; 0 metric=2; 0 metric=3", "[0 metric=1]; [0 metric=2]; [0 metric=3]"},
		{"fixed", func(s *Stream) (*Stream, error) { return s.FixedWindow(2) },
			"0 metric=1; 0 metric=2; 0 metric=3; 9 metric=4; 9 metric=5; +99",
			"[0 metric=1 | 0 metric=2]; [0 metric=3 | 9 metric=4]"},
	})
}

func TestMovingTimeWindow(t *testing.T) {
	of := func(dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.MovingTimeWindow(dt) }
	}
	runBenchCases(t, []benchCase{
		{"after newest - dt", of(10 * second),
			"0 metric=1; 5 metric=2; 10 metric=3; 30 metric=4",
			"[0 metric=1]; [0 metric=1 | 5 metric=2]; [5 metric=2 | 10 metric=3]; [30 metric=4]"},
		{"late ones", of(10 * second),
			"20 metric=1; 10 metric=2; 11 metric=3; 21 metric=4; 25 metric=5",
			"[20 metric=1]; [20 metric=1 | 11 metric=3]; [20 metric=1 | 21 metric=4]; [20 metric=1 | 21 metric=4 | 25 metric=5]"},
		{"without a time", of(10 * second),
			"0 metric=1; +6; - metric=2; 12 metric=3; 17 metric=4",
			"[0 metric=1]; [0 metric=1 | - metric=2]; [- metric=2 | 12 metric=3]; [12 metric=3 | 17 metric=4]"},
	})
}

// TestMovingTimeWindowHolds: each list has exactly the events so far whose
// time is after newest - dt, in the order in which they came.
func TestMovingTimeWindowHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dt := rapid.IntRange(1, 30).Draw(rt, "dt")
		b := newBench(t, func(s *Stream) (*Stream, error) { return s.MovingTimeWindow(time.Duration(dt) * second) })
		var model []engine.Event
		newest := engine.Time(0)
		for i := range rapid.IntRange(1, 120).Draw(rt, "events") {
			at := max(0, newest.Seconds()+float64(rapid.IntRange(-20, 12).Draw(rt, "step")))
			e := b.ev(at, float64(i))
			b.got = nil
			b.send(e)
			newest = max(newest, e.Time)
			limit := newest.Add(-time.Duration(dt) * second)
			if e.Time <= limit {
				if len(b.got) > 0 {
					rt.Fatalf("an event from %v passed, newest is %v", e.Time, newest)
				}
				continue
			}
			model = slices.DeleteFunc(append(model, e), func(e engine.Event) bool { return e.Time <= limit })
			if got, want := metricsOf(b.got[0].Events), metricsOf(model); !slices.Equal(got, want) {
				rt.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}

func metricsOf(events []engine.Event) []float64 {
	var out []float64
	for _, e := range events {
		out = append(out, e.Metric)
	}
	return out
}

func TestFixedTimeWindow(t *testing.T) {
	of := func(dt time.Duration, o FixedTime) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(dt, o) }
	}
	runBenchCases(t, []benchCase{
		{"the clock closes", of(10*second, FixedTime{}), "3 metric=1; 12 metric=2; +0.9", ""},
		{"at its end", of(10*second, FixedTime{}), "3 metric=1; 12 metric=2; +1; +99", "[3 metric=1 | 12 metric=2]"},
		{"an event at the end is of the next", of(10*second, FixedTime{}),
			"3 metric=1; 13 metric=2; +10", "[3 metric=1]; [13 metric=2]"},
		{"aligned", of(10*second, FixedTime{Aligned: true}),
			"3 metric=1; 9 metric=2; 10 metric=3; +10", "[3 metric=1 | 9 metric=2]; [10 metric=3]"},
		{"empty ones when the later comes", of(10*second, FixedTime{}),
			"0 metric=1; +30; 35 metric=2; +99", "[0 metric=1]; []; []; [35 metric=2]"},
		{"none is passed after the last", of(10*second, FixedTime{}), "0 metric=1; +99", "[0 metric=1]"},
		{"late ones are dropped", of(10*second, FixedTime{}),
			"0 metric=1; 10 metric=2; 9 metric=3; 12 metric=4; +10", "[0 metric=1]; [10 metric=2 | 12 metric=4]"},
		{"unless late", of(10*second, FixedTime{Late: 5 * second}),
			"0 metric=1; 14 metric=2; 9 metric=3; 15 metric=4; 9 metric=5; +10",
			"[0 metric=1 | 9 metric=3]; [14 metric=2 | 15 metric=4]"},
		{"late and empty ones in order", of(10*second, FixedTime{Late: 25 * second}),
			"0 metric=1; 30 metric=2; 12 metric=3; +100",
			"[0 metric=1]; [12 metric=3]; []; [30 metric=2]"},
		{"before the first", of(10*second, FixedTime{Late: 5 * second}),
			"12 metric=1; 9 metric=2; 1 metric=3; +99", "[9 metric=2]; [12 metric=1]"},
		{"the first may be too late", of(10*second, FixedTime{}),
			"+100; 3 metric=1; 95 metric=2; +99", "[95 metric=2]"},
		{"without a time", of(10*second, FixedTime{}),
			"0 metric=1; +7; - metric=2; +9", "[0 metric=1 | - metric=2]"},
	})
}

// TestFixedTimeWindowNewest: when events come with times ahead of the clock,
// the newest one closes windows.
// TestFixedTimeWindowFarApart: a time that is far off does not pass empty lists
// without end.
func TestFixedTimeWindowFarApart(t *testing.T) {
	b := newBench(t, func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(time.Second, FixedTime{}) })
	b.send(b.ev(0, 1))
	b.send(b.ev(1e9, 2))
	b.advance(1)
	if got := b.metrics(); !slices.Equal(got, []float64{1, 2}) || len(b.got) != 2 {
		t.Errorf("got %v in %d lists, want the two windows that have events", got, len(b.got))
	}
}

func TestFixedTimeWindowNewest(t *testing.T) {
	var out *Stream
	b := newBench(t, func(s *Stream) (*Stream, error) {
		var err error
		out, err = s.FixedTimeWindow(10*second, FixedTime{})
		return out, err
	})
	for i, at := range []float64{0, 5, 31, 19, 30} {
		e := b.ev(at, float64(i))
		b.head.Handle(&e)
	}
	wantItems(t, b.shown(), "[0 metric=0 | 5 metric=1]; []; []")
	e := b.ev(40, 5)
	b.head.Handle(&e)
	wantItems(t, b.shown(), "[0 metric=0 | 5 metric=1]; []; []; [31 metric=2 | 30 metric=4]")
	if out.Dropped() != 1 {
		t.Errorf("Dropped() = %d, want 1", out.Dropped())
	}
}

// TestFixedTimeWindowParts: the lists are consecutive windows, which have each
// event once, but for those that were dropped.
func TestFixedTimeWindowParts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dt := rapid.IntRange(1, 20).Draw(rt, "dt")
		o := FixedTime{
			Aligned: rapid.Bool().Draw(rt, "aligned"),
			Late:    time.Duration(rapid.IntRange(0, 30).Draw(rt, "late")) * second,
		}
		var out *Stream
		b := newBench(t, func(s *Stream) (*Stream, error) {
			var err error
			out, err = s.FixedTimeWindow(time.Duration(dt)*second, o)
			return out, err
		})
		sent := rapid.IntRange(1, 80).Draw(rt, "events")
		for i := range sent {
			b.advance(float64(rapid.IntRange(0, 5).Draw(rt, "wait")))
			e := b.ev(max(0, b.engine.Now().Seconds()+float64(rapid.IntRange(-20, 20).Draw(rt, "step"))), float64(i))
			b.head.Handle(&e)
		}
		b.advance(100)
		if problem := checkParts(b.got, time.Duration(dt)*second, sent-int(out.Dropped())); problem != "" {
			rt.Fatal(problem)
		}
	})
}

// checkParts tells what is wrong with the lists of consecutive windows.
func checkParts(lists []engine.Message, dt time.Duration, want int) string {
	seen := map[float64]bool{}
	first, last := 0, engine.Time(0)
	for i, m := range lists {
		for _, e := range m.Events {
			if seen[e.Metric] {
				return fmt.Sprintf("event %v is in two windows", e.Metric)
			}
			if len(seen) == 0 {
				first, last = i, e.Time
			}
			seen[e.Metric] = true
			// The time since the start of the first window, which is up to dt
			// before the time of its first event.
			if from := last.Add(time.Duration(i-first)*dt - dt); e.Time <= from || e.Time >= from.Add(2*dt) {
				return fmt.Sprintf("an event from %v is in window %d, the first has one from %v", e.Time, i, last)
			}
		}
	}
	if len(seen) != want {
		return fmt.Sprintf("%d events are in windows, want %d", len(seen), want)
	}
	if n := len(lists); n > 0 && (len(lists[0].Events) == 0 || len(lists[n-1].Events) == 0) {
		return "the first or the last list is empty"
	}
	return ""
}

func TestProject(t *testing.T) {
	foobar := func(s *Stream) (*Stream, error) {
		return s.Project(queried(t, `service = "foo"`), queried(t, `service = "bar" or service = "both"`), queried(t, `service = "both"`))
	}
	runBenchCases(t, []benchCase{
		{"the newest for each", foobar,
			"0 service=cat; 0 service=foo metric=1; 0 service=foo metric=2; 0 service=bar metric=3; 0 service=both metric=4",
			"[0 service=foo metric=1 | none | none]; [0 service=foo metric=2 | none | none]; [0 service=foo metric=2 | 0 service=bar metric=3 | none]; " +
				"[0 service=foo metric=2 | 0 service=both metric=4 | 0 service=both metric=4]"},
		{"expired ones once", foobar,
			"0 service=foo state=ok; 1 service=bar state=ok; 2 service=bar state=expired; 3 service=foo state=expired; 4 service=bar state=expired",
			"[0 service=foo state=ok | none | none]; [0 service=foo state=ok | 1 service=bar state=ok | none]; " +
				"[0 service=foo state=ok | 2 service=bar state=expired | none]; [3 service=foo state=expired | none | none]; [none | 4 service=bar state=expired | none]"},
		{"and those whose ttl has passed", foobar,
			"0 service=foo metric=1 ttl=1; +2; 2 service=bar metric=2; 3 service=bar metric=3",
			"[0 service=foo metric=1 ttl=1 | none | none]; [2 service=foo state=expired | 2 service=bar metric=2 | none]; [none | 3 service=bar metric=3 | none]"},
	})
}
