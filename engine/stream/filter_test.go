package stream

import (
	"errors"
	"testing"
	"time"

	"tocsin/engine"
)

func TestFilters(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"where passes what its predicate holds for",
			func(s *Stream) (*Stream, error) { return s.Where(queried(t, "metric > 1")), nil },
			"0 metric=1; 1 metric=2; 2; 3 metric=3", "1 metric=2; 3 metric=3"},
		{"tagged wants all of its tags",
			func(s *Stream) (*Stream, error) { return s.Tagged("a", "b") },
			"0 tags=a; 1 tags=b,a; 2 tags=a,c,b; 3", "1 tags=b,a; 2 tags=a,c,b"},
		{"tagged_any wants one of its tags",
			func(s *Stream) (*Stream, error) { return s.TaggedAny("a", "b") },
			"0 tags=a; 1 tags=c; 2 tags=c,b; 3", "0 tags=a; 2 tags=c,b"},
		{"over is strict, and wants a metric",
			func(s *Stream) (*Stream, error) { return s.Over(-1), nil },
			"0 metric=-1; 1 metric=-0.5; 2; 3 metric=4", "1 metric=-0.5; 3 metric=4"},
		{"under is strict, and wants a metric",
			func(s *Stream) (*Stream, error) { return s.Under(1), nil },
			"0 metric=1; 1 metric=0.5; 2; 3 metric=-4", "1 metric=0.5; 3 metric=-4"},
		{"expired passes the state",
			func(s *Stream) (*Stream, error) { return s.Expired(), nil },
			"0 state=ok; 1 state=expired", "1 state=expired"},
		{"live passes the rest",
			func(s *Stream) (*Stream, error) { return s.Live(), nil },
			"0 state=ok; 1 state=expired; 2", "0 state=ok; 2"},
		// The clock releases the event 10 s after it arrived.
		{"expired passes what is as old as its ttl",
			func(s *Stream) (*Stream, error) {
				s, err := s.Stable(10*time.Second, field("state"))
				return s.Expired(), err
			},
			"0 state=ok ttl=10; +10", "0 state=ok ttl=10"},
		{"live passes what is younger than its ttl",
			func(s *Stream) (*Stream, error) {
				s, err := s.Stable(10*time.Second, field("state"))
				return s.Live(), err
			},
			"0 state=ok ttl=10.001; +10", "0 state=ok ttl=10.001"},
		{"an event without ttl has 60 s",
			func(s *Stream) (*Stream, error) {
				s, err := s.Stable(60*time.Second, field("state"))
				return s.Expired(), err
			},
			"0 state=ok; +60", "0 state=ok"},
	})
}

func TestSplit(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"an event goes to the first that matches only", "0 metric=5; 1 metric=3; 2 metric=1",
			"big 0 metric=5; middle 1 metric=3; rest 2 metric=1"},
		{"what no predicate holds for goes to the rest", "0; 1 state=x", "rest 0; rest 1 state=x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				parts, err := events.Split(queried(t, "metric > 4"), queried(t, "metric > 2"))
				if err != nil {
					t.Fatal(err)
				}
				for i, name := range []string{"big", "middle", "rest"} {
					r.tap(name, parts[i])
				}
			}).play(c.in).want(c.want)
		})
	}
}

// TestPredicateFails: the event in hand goes no further on that branch, whether
// the router or the operator asks the predicate, and the other branches get it.
func TestPredicateFails(t *testing.T) {
	pred := failing{errors.New("no")}
	for name, build := range map[string]func(s *Stream) *Stream{
		"where": func(s *Stream) *Stream { return s.Where(pred) },
		"split": func(s *Stream) *Stream {
			parts, _ := s.Live().Split(pred)
			merged, _ := Merge(parts...)
			return merged
		},
		"classify": func(s *Stream) *Stream {
			out, _ := s.Live().Classify([]Case{{"ok", pred}}, "", false)
			return out
		},
		"at_least": func(s *Stream) *Stream {
			out, _ := s.Live().AtLeast(1, 1, pred)
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				events = events.Where(queried(t, `service != "tocsin error"`))
				r.tap("passed", build(events))
				r.tap("other", events.Where(queried(t, "metric = 13")))
				r.tap("error", r.graph.Events().Where(queried(t, `service = "tocsin error"`)))
			}).play("0 metric=13").want(`other 0 metric=13; error 0 service=tocsin error state=critical tags=tocsin,error "no"`)
		})
	}
}

func TestFilterArguments(t *testing.T) {
	s := NewGraph(engine.New(engine.Options{}, 0)).Events()
	if _, err := s.Split(); err == nil {
		t.Error("split without a predicate")
	}
	if _, err := s.Tagged(); err == nil {
		t.Error("tagged without a tag")
	}
	if _, err := s.TaggedAny(); err == nil {
		t.Error("tagged_any without a tag")
	}
}

// TestListRefused: what takes events only says so when it gets a list.
func TestListRefused(t *testing.T) {
	want := `error 3 service=tocsin error state=critical tags=tocsin,error event_host=a "f.lua:7: where takes events, but got a list: put flatten() or a fold before it"`
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		lists := r.graph.Head()
		r.graph.Site = Site{Pos: "f.lua:7"}
		r.tap("passed", lists.Where(queried(t, "metric > 1")))
		r.tap("error", events.Where(queried(t, `service = "tocsin error"`)))
		events.Where(queried(t, `host = "a"`)).Each(func(m engine.Message) error {
			lists.HandleList([]engine.Event{{}, m.Events[0]})
			return nil
		})
	}).play("3 host=a metric=2").want(want)
}

// TestRootPredicateFails: the router asks the predicates of the streams that
// branch from the root, and their errors go where their operators' would.
func TestRootPredicateFails(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		r.graph.Site = Site{Pos: "f.lua:1"}
		passed, failed := events.Where(failing{errors.New("no")}).Catch()
		r.tap("passed", passed)
		r.tap("caught", failed)
		tagged, err := events.Tagged("x")
		if err != nil {
			t.Fatal(err)
		}
		r.tap("tagged", tagged)
	}).play("0 metric=13 tags=x; 1 metric=1").want(`
		caught 0 service=tocsin error state=critical tags=tocsin,error "f.lua:1: no";
		tagged 0 metric=13 tags=x; passed 1 metric=1`)
}
