package stream

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// succeededBy returns a rig of the same operators that goes on where r stands.
func (r *rig) succeededBy(t *rapid.T, o engine.Options, build func(s *Stream) (*Stream, error)) *rig {
	o.Table = r.ids
	return savedRig(r.t, o, build, func(next *rig) {
		if dropped := next.graph.Succeed(r.graph, next.graph.Start); dropped > 0 {
			t.Fatalf("%d pieces of state were dropped", dropped)
		}
		next.got = r.got
	})
}

// TestSuccessionChangesNothing: a run in which graphs of the same operators
// succeed one another at any points gives what one graph gives.
func TestSuccessionChangesNothing(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(savedCases)) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				o := engine.Options{
					TTL: 20 * second, Forget: 15 * second, Bare: rapid.IntRange(0, 4).Draw(rt, "bare") == 0,
					Identities: rapid.SampledFrom([]int{0, 0, 0, 4}).Draw(rt, "identities"),
				}
				build := drawBuild(rt, savedCases[name])
				script := drawScript(rt)
				tracks := rapid.Bool().Draw(rt, "tracks")
				start := func(r *rig) {
					if tracks {
						r.graph.engine.Track()
					}
					r.graph.Start()
				}
				whole, cut := savedRig(t, o, build, start), savedRig(t, o, build, start)
				for _, item := range append(script, "+100") {
					if item == "cut" {
						cut = cut.succeededBy(rt, o, build)
						continue
					}
					whole.play(item)
					cut.play(item)
				}
				if !slices.Equal(whole.got, cut.got) {
					rt.Fatalf("\n%s\nwhole:\n%s\ncut:\n%s", strings.Join(script, "; "), strings.Join(whole.got, "\n"), strings.Join(cut.got, "\n"))
				}
				if w, c := whole.graph.engine.Wheel().Len(), cut.graph.engine.Wheel().Len(); w != c {
					rt.Fatalf("\n%s\n%d timers are set, but %d in the run that was cut", strings.Join(script, "; "), w, c)
				}
			})
		})
	}
}

// TestSucceededGraphIsGarbage: nothing that goes on, timers, entries, or
// identities that are not heard of any more, keeps an old graph alive.
func TestSucceededGraphIsGarbage(t *testing.T) {
	for name, build := range savedCases {
		t.Run(name, func(t *testing.T) {
			for _, bare := range []bool{false, true} {
				next, old := succeedOnce(t, engine.Options{Bare: bare}, build)
				for range 5 {
					runtime.GC()
				}
				if old.Value() != nil {
					t.Errorf("bare %v: the old graph is still there", bare)
				}
				next.play("9 host=a service=s metric=1 state=ok")
			}
		})
	}
}

func succeedOnce(t *testing.T, o engine.Options, build func(s *Stream) (*Stream, error)) (*rig, weak.Pointer[Graph]) {
	before := savedRig(t, o, func(s *Stream) (*Stream, error) {
		s, err := s.By(field("host"))
		if err != nil {
			return nil, err
		}
		if s, err = s.Tag("more"); err != nil {
			return nil, err
		}
		return build(s)
	}, func(r *rig) { r.graph.Start() })
	before.play(`0 host=a service=s metric=1 state=ok; 1 host=a service=s metric=3 state=critical tags=x; 2 host=b service=s metric=1 ttl=1;
		2 host=b service=t metric=13; +3; 5 host=a service=s metric=3 state=ok; 6 host=c service=s metric=2 state=critical`)
	o.Table = before.ids
	after := savedRig(t, o, build, func(r *rig) { r.graph.Succeed(before.graph, r.graph.Start) })
	return after, weak.Make(before.graph)
}
