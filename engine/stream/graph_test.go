package stream

import (
	"errors"
	"testing"

	"tocsin/engine"
)

// TestBranchOrder: branches are served in the order drawn, each to its end
// before the next, also when a later operator joins an earlier branch.
func TestBranchOrder(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		a := r.tap("a", events)
		b := r.tap("b", events.Live())
		r.tap("a2", a)
		r.tap("b2", b)
		r.tap("a3", a)
		r.tap("c", events.Where(queried(t, `service = "x"`)))
	}).play("0 service=x").want("a 0 service=x; a2 0 service=x; a3 0 service=x; b 0 service=x; b2 0 service=x; c 0 service=x")
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name     string
		build    func(events *Stream) []*Stream
		in, want string
	}{
		{"a stream merged with itself passes twice",
			func(events *Stream) []*Stream { return []*Stream{events, events} },
			"0 host=a", "0 host=a metric=1; 0 host=a metric=2"},
		{"streams behind different bys meet outside of them",
			func(events *Stream) []*Stream {
				return []*Stream{byFields(t, events, "host"), byFields(t, events, "service")}
			},
			"0 host=a service=x; 1 host=b service=y",
			"0 host=a service=x metric=1; 0 host=a service=x metric=2; 1 host=b service=y metric=3; 1 host=b service=y metric=4"},
		{"branches of one group meet in it",
			func(events *Stream) []*Stream {
				s := byFields(t, events, "host")
				return []*Stream{s.Live(), byFields(t, s, "service")}
			},
			"0 host=a service=x; 1 host=b service=x",
			"0 host=a service=x metric=1; 0 host=a service=x metric=2; 1 host=b service=x metric=1; 1 host=b service=x metric=2"},
		{"one stream is merged as it is",
			func(events *Stream) []*Stream { return []*Stream{byFields(t, events, "host")} },
			"0 host=a; 1 host=b", "0 host=a metric=1; 1 host=b metric=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newRig(t, engine.Options{}, func(r *rig, events *Stream) {
				merged, err := Merge(c.build(events)...)
				if err != nil {
					t.Fatal(err)
				}
				r.tap("", number(merged))
			}).play(c.in).want(c.want)
		})
	}
}

func TestMergeRefused(t *testing.T) {
	if _, err := Merge(); err == nil {
		t.Error("merge of nothing")
	}
	one, two := NewGraph(engine.New(engine.Options{}, 0)), NewGraph(engine.New(engine.Options{}, 0))
	if _, err := Merge(one.Events(), two.Events()); err == nil {
		t.Error("merge over two graphs")
	}
}

// TestListsPass: what only hands on takes lists as well as events.
func TestListsPass(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"merge, out of a group too, which was drawn first", func(s *Stream) (*Stream, error) {
			return Merge(s, byFields(t, s, "host").Changed(field("state"), ChangedOptions{Pairs: true}))
		}, "0 host=a state=ok; 1 host=b state=ok", "[none | 0 host=a state=ok]; 0 host=a state=ok; [none | 1 host=b state=ok]; 1 host=b state=ok"},
		{"catch", func(s *Stream) (*Stream, error) { passed, _ := s.Catch(); return passed, nil }, "[0 | none]", "[0 | none]"},
		{"index", func(s *Stream) (*Stream, error) { return s.Index(), nil }, "[0 | none]", "[0 | none]"},
		{"emit", func(s *Stream) (*Stream, error) { return s.Emit(), nil }, "[0 | none]", "[0 | none]"},
	})
}

// TestHeadFails: an error before a head goes the way of the operators behind.
func TestHeadFails(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		head := r.graph.Head()
		r.tap("inside", head)
		r.tap("error", events.Where(queried(t, `service = "tocsin error"`)))
		events.Where(queried(t, "metric = 1")).Each(func(m engine.Message) error {
			head.Handle(&m.Events[0])
			head.Fail(&m.Events[0], errors.New("no"))
			return nil
		})
	}).play("0 host=a metric=1").want(`inside 0 host=a metric=1; error 0 service=tocsin error state=critical tags=tocsin,error event_host=a "no"`)
}
