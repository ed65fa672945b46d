package stream

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func TestFlapping(t *testing.T) {
	build := func(s *Stream) (*Stream, error) {
		return s.Flapping(Flapping{Window: 10 * time.Second, High: 3, Low: 1})
	}
	runBenchCases(t, []benchCase{
		// Changes at 1, 2 and 3. At 11 that of 1 is 10 s old and no longer
		// counts, which leaves two; at 12 one is left.
		{"from three changes on, until one is left", build,
			"0 state=a; 1 state=b; 2 state=a; 3 state=b; 4 state=b; 11 state=b; 12 state=b",
			`0 state=a flapping=false; 1 state=b flapping=false; 2 state=a flapping=false; 3 state=b flapping=true;
			 4 state=b flapping=true; 11 state=b flapping=true; 12 state=b flapping=false`},
		{"three changes over more than the window are none", build,
			"0 state=a; 1 state=b; 5 state=a; 11 state=b",
			"0 state=a flapping=false; 1 state=b flapping=false; 5 state=a flapping=false; 11 state=b flapping=false"},
		{"once ended, it takes three again", build,
			"0 state=a; 1 state=b; 2 state=a; 3 state=b; 12 state=b; 12 state=a; 12.5 state=b",
			`0 state=a flapping=false; 1 state=b flapping=false; 2 state=a flapping=false; 3 state=b flapping=true;
			 12 state=b flapping=false; 12 state=a flapping=false; 12.5 state=b flapping=true`},
		{"the clock ends it, too", build,
			"!0 state=a; !1 state=b; !2 state=a; !3 state=b; +12; !4 state=b",
			`0 state=a flapping=false; 1 state=b flapping=false; 2 state=a flapping=false; 3 state=b flapping=true;
			 4 state=b flapping=false`},
		{"an event without state is marked, and changes nothing", build,
			"0; 1 state=a; 2; 3 state=a", "0 flapping=false; 1 state=a flapping=false; 2 flapping=false; 3 state=a flapping=false"},
		{"a late change from before the window does not count", build,
			"0 state=a; 20 state=b; !21 state=a; !5 state=b; !21 state=b",
			`0 state=a flapping=false; 20 state=b flapping=false; 21 state=a flapping=false; 5 state=b flapping=false; 21 state=b flapping=false`},
		{"what the attribute was before is replaced", build, "0 flapping=maybe", "0 flapping=false"},
	})
	for name, o := range map[string]Flapping{
		"no window":        {High: 5, Low: 2},
		"no high":          {Window: 1, Low: 0},
		"low as high":      {Window: 1, High: 2, Low: 2},
		"low below zero":   {Window: 1, High: 2, Low: -1},
		"a negative while": {Window: -1, High: 2, Low: 1},
	} {
		if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Flapping(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestFlappingLaw holds it against one that keeps all changes and counts them.
func TestFlappingLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		high := rapid.IntRange(1, 5).Draw(rt, "high")
		low := rapid.IntRange(0, high-1).Draw(rt, "low")
		b := newBench(t, func(s *Stream) (*Stream, error) {
			return s.Flapping(Flapping{Window: 10 * time.Second, High: high, Low: low})
		})
		var changes []int
		var flapping bool
		var last string
		var newest, now int
		for range rapid.IntRange(1, 60).Draw(rt, "n") {
			step := rapid.IntRange(0, 4).Draw(rt, "step")
			b.advance(float64(step))
			now += step
			at := now + rapid.IntRange(-6, 3).Draw(rt, "skew")
			newest = max(newest, at)
			state := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "state")
			if last != "" && state != last {
				changes = append(changes, at)
			}
			last = state
			count := 0
			for _, c := range changes {
				if c > max(newest, now)-10 {
					count++
				}
			}
			if flapping = flapping && count > low || count >= high; flapping && count <= low {
				flapping = false
			}
			e := b.ev(float64(at), 1, "state", state)
			b.got = nil
			b.head.Handle(&e)
			got, _ := b.got[0].Events[0].ID.Labels.Attr("flapping")
			if got != fmt.Sprint(flapping) {
				rt.Fatalf("at %d with changes at %v: flapping is %s, want %v", at, changes, got, flapping)
			}
		}
	})
}
