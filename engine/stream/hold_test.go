package stream

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

const second = time.Second

func TestThrottle(t *testing.T) {
	throttle := func(n int, dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Throttle(n, dt) }
	}
	runBenchCases(t, []benchCase{
		{"n per dt, expired ones too", throttle(3, 2*second),
			"0 state=1; 0 state=2; 0 state=3; 1 state=4; 2 state=5; 3 state=expired; 3 state=expired; 3 state=expired; 5 state=expired",
			"0 state=1; 0 state=2; 0 state=3; 2 state=5; 3 state=expired; 3 state=expired; 5 state=expired"},
		{"windows begin at the making", throttle(1, 10*second),
			"7 metric=1; 9 metric=2; 10 metric=3; 19.9 metric=4; 35 metric=5; 39 metric=6; 40 metric=7",
			"7 metric=1; 10 metric=3; 35 metric=5; 40 metric=7"},
		{"in by, at the group's first event", func(s *Stream) (*Stream, error) {
			s, err := s.By(field("host"))
			if err != nil {
				return nil, err
			}
			return s.Throttle(1, 10*second)
		},
			"3 host=a metric=1; 7 host=b metric=1; 12 host=a metric=2; 13 host=a metric=3; 16 host=b metric=2",
			"3 host=a metric=1; 7 host=b metric=1; 13 host=a metric=3"},
	})
}

// TestThrottleBound: each window passes its first n events and no other.
func TestThrottleBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "n")
		dt := rapid.IntRange(1, 30).Draw(rt, "dt")
		b := newBench(t, func(s *Stream) (*Stream, error) { return s.Throttle(n, time.Duration(dt)*second) })
		in := map[int]int{}
		for range rapid.IntRange(1, 100).Draw(rt, "events") {
			b.advance(float64(rapid.IntRange(0, 12).Draw(rt, "wait")))
			b.send(b.ev(b.engine.Now().Seconds(), 1))
			in[int(b.engine.Now().Seconds())/dt]++
		}
		out := map[int]int{}
		for _, m := range b.got {
			out[int(m.Events[0].Time.Seconds())/dt]++
		}
		for w, events := range in {
			if out[w] != min(events, n) {
				rt.Fatalf("window %d: %d of %d events passed, n is %d", w, out[w], events, n)
			}
		}
	})
}

func TestRollup(t *testing.T) {
	rollup := func(n int, dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Rollup(n, dt) }
	}
	runBenchCases(t, []benchCase{
		{"one per dt", rollup(1, 2*second),
			"0 state=a; 0 state=b; 0 state=c; 2 state=d; 2 state=e; 2 state=f; +2",
			"[0 state=a]; [0 state=b | 0 state=c]; [2 state=d | 2 state=e | 2 state=f]"},
		{"the rest uses up one of the next", rollup(2, second),
			"0 metric=1; 0 metric=2; 0 metric=3; 1 metric=4; 1 metric=5; 1 metric=6; 1 metric=7; 2 metric=8; +10",
			"[0 metric=1]; [0 metric=2]; [0 metric=3]; [1 metric=4]; [1 metric=5 | 1 metric=6 | 1 metric=7]; [2 metric=8]"},
		{"only of the next", rollup(1, second),
			"0 metric=1; 0 metric=2; 2.5 metric=3; +5",
			"[0 metric=1]; [0 metric=2]; [2.5 metric=3]"},
		{"expired ones count", rollup(2, 2*second),
			"0 state=expired; 0 state=expired; 0 state=expired; 1 state=expired; +1",
			"[0 state=expired]; [0 state=expired]; [0 state=expired | 1 state=expired]"},
	})
}

func TestBatch(t *testing.T) {
	batch := func(n int, dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Batch(n, dt) }
	}
	runBenchCases(t, []benchCase{
		{"nothing", batch(2, 3*second), "+10", ""},
		{"incomplete", batch(2, 3*second), "0 state=a; 3 state=b; 4 state=c; 6 state=d; +3",
			"[0 state=a]; [3 state=b | 4 state=c]; [6 state=d]"},
		{"full", batch(2, 3*second), "0 state=a; 1 state=b; 2 state=c; 3 state=d; 4 state=e; 5 state=f; +1",
			"[0 state=a | 1 state=b]; [2 state=c]; [3 state=d | 4 state=e]; [5 state=f]"},
		{"of one", batch(1, second), "0 state=a; 0 state=b; +5; 7 state=c", "[0 state=a]; [0 state=b]; [7 state=c]"},
	})
}

func TestSample(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"the newest, at the end of dt", func(s *Stream) (*Stream, error) { return s.Sample(2 * second) },
			"0 metric=1; 1 metric=2; 2 metric=3; +9; 11.5 metric=4; 11.75 metric=5; +1",
			"1 metric=2; 2 metric=3; 11.75 metric=5"},
	})
}

func TestCoalesce(t *testing.T) {
	every := func(dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Coalesce(dt) }
	}
	runBenchCases(t, []benchCase{
		{"by host and service", every(second),
			"0 host=b service=x metric=1; 0 host=a service=y metric=2; 0 host=a service=x metric=3; 0.5 host=b service=x metric=4; +0.5",
			"[0 host=a service=x metric=3 | 0 host=a service=y metric=2 | 0.5 host=b service=x metric=4]"},
		{"every dt while it holds something", every(2 * second),
			"1 host=a ttl=4; +9",
			"[1 host=a ttl=4]; [1 host=a ttl=4]; [6 host=a state=expired]"},
		{"an expired one is in it once", every(second),
			"0 host=a; 0 host=b; 0.5 host=a state=expired; +1.5",
			"[0.5 host=a state=expired | 0 host=b]; [0 host=b]"},
		{"the usual ttl", every(30 * second),
			"0 host=a metric=1 tags=t; +100",
			"[0 host=a metric=1 tags=t]; [60 host=a state=expired tags=t]"},
		{"begins again at the old ticks", every(2 * second),
			"0 host=a state=expired; +5; 7.5 host=a state=ok ttl=1; +9",
			"[0 host=a state=expired]; [7.5 host=a state=ok ttl=1]; [10 host=a state=expired]"},
	})
}

// TestHoldingGroups: a group that its last identity has left lives until what
// its operators hold has come out, and no longer.
func TestHoldingGroups(t *testing.T) {
	const first, last = "1 host=a state=x metric=1 ttl=5", "1 host=a state=x metric=2 ttl=5"
	met := queried(t, "metric > 0")
	for _, c := range []struct {
		name  string
		build func(*Stream) (*Stream, error)
		want  string
		holds bool
	}{
		{"rate", rateEvery(10 * second), "11 host=a state=x metric=0.3 ttl=5", true},
		{"ddt", func(s *Stream) (*Stream, error) { return s.DDTEvery(10 * second) }, "11 host=a state=x metric=0 ttl=5", true},
		{"rollup", func(s *Stream) (*Stream, error) { return s.Rollup(1, 10*second) }, "[" + first + "]; [" + last + "]", true},
		{"batch", func(s *Stream) (*Stream, error) { return s.Batch(5, 10*second) }, "[" + first + " | " + last + "]", true},
		{"sample", func(s *Stream) (*Stream, error) { return s.Sample(10 * second) }, last, true},
		{"coalesce", func(s *Stream) (*Stream, error) { return s.Coalesce(10 * second) }, "[11 host=a state=expired]", true},
		{"fixed_time_window", func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(10*second, FixedTime{}) },
			"[" + first + " | " + last + "]", true},
		{"percentiles", func(s *Stream) (*Stream, error) { return s.Percentiles(10*second, []float64{1}) },
			"11 host=a service= 1 state=x metric=2 ttl=5", true},
		{"apdex", func(s *Stream) (*Stream, error) { return s.Apdex(10*second, met, met) }, "11 host=a state=x metric=1 ttl=5", true},
		{"interpolate", func(s *Stream) (*Stream, error) { return s.Interpolate(10 * second) },
			first + "; 11 host=a state=x metric=2 ttl=5", true},
		{"fill_last", func(s *Stream) (*Stream, error) { return s.FillLast(10*second, nil) }, first + "; " + last, false},
		{"throttle", func(s *Stream) (*Stream, error) { return s.Throttle(1, 10*second) }, first, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dropped := 0
			r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				inX := byFields(t, events, "state").Where(queried(t, `state = "x"`))
				numberCounting(inX, &dropped)
				s, err := c.build(inX)
				if err != nil {
					t.Fatal(err)
				}
				r.tap("", s)
			})
			r.play(first + "; " + last + "; 2 host=a state=y; +8.5")
			if holds := dropped == 0; holds != c.holds {
				t.Errorf("the group is there: %v, want %v", holds, c.holds)
			}
			r.play("+30")
			r.want(c.want)
			if dropped != 1 {
				t.Error("the group is still there")
			}
			if timers := r.graph.engine.Wheel().Len(); timers > 1 {
				t.Errorf("%d timers are set, want that of the entry", timers)
			}
		})
	}
}

// TestExpiryFreesGroup: an expiry ends what operators go on with, so that the
// group goes at once.
func TestExpiryFreesGroup(t *testing.T) {
	for name, build := range map[string]func(*Stream) (*Stream, error){
		"rate":        rateEvery(second),
		"ddt":         func(s *Stream) (*Stream, error) { return s.DDTEvery(second) },
		"interpolate": func(s *Stream) (*Stream, error) { return s.Interpolate(10 * second) },
		"fill":        func(s *Stream) (*Stream, error) { return s.Fill(10*second, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			dropped := 0
			r := newRig(t, engine.Options{}, func(_ *rig, events *Stream) {
				s := byFields(t, events, "host")
				numberCounting(s, &dropped)
				if _, err := build(s); err != nil {
					t.Fatal(err)
				}
			})
			r.play("1 host=a metric=1 ttl=3; 2 host=a metric=2 ttl=3; +2.9")
			if dropped != 0 {
				t.Error("the group has gone before its identity")
			}
			r.play("+0.1")
			if dropped != 1 {
				t.Error("the group is still there")
			}
		})
	}
}
