package stream

import (
	"errors"
	"fmt"
	"testing"

	"tocsin/engine"
)

// failAt makes an operator that fails for events with that metric.
func failAt(s *Stream, metric float64) *Stream {
	return s.Each(func(m engine.Message) error {
		if m.Events[0].Metric == metric {
			return fmt.Errorf("no %v", metric)
		}
		return nil
	})
}

// TestCatch: "1" fails before the first catch, "2" between the two, "3" behind
// them.
func TestCatch(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		in := events.Where(queried(t, `service = "in"`))
		s, first := failAt(byFields(t, in, "host"), 1).Catch()
		s, second := failAt(s, 2).Catch()
		r.tap("passed", failAt(s, 3))
		r.tap("first", first)
		r.tap("second", second)
		r.tap("events", events.Where(queried(t, `service = "tocsin error"`)))
	}).play("1 service=in metric=1; 2 service=in metric=2; 3 service=in metric=3; 4 service=in metric=4").want(`
		first 1 service=tocsin error state=critical tags=tocsin,error event_service=in "no 1";
		second 2 service=tocsin error state=critical tags=tocsin,error event_service=in "no 2";
		events 3 service=tocsin error state=critical tags=tocsin,error event_service=in "no 3";
		passed 4 service=in metric=4`)
}

// TestCatchFailsItself: an error while an error is handled is only logged,
// whether it comes from a catch or through events.
func TestCatchFailsItself(t *testing.T) {
	boom := func(engine.Message) error { return errors.New("boom") }
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		_, failed := failAt(events.Where(queried(t, `service = "in"`)), 1).Catch()
		r.tap("handled", failed.Each(boom))
		r.tap("events", events.Where(queried(t, `service = "tocsin error"`)).Each(boom))
		_, caught := events.Where(queried(t, `service = "tocsin error"`)).Each(boom).Catch()
		r.tap("caught", caught)
		r.tap("seen", events.Where(queried(t, `service = "tocsin error"`)))
		failAt(events.Where(queried(t, `service = "in"`)), 2)
	}).play("1 service=in metric=1; 2 service=in metric=2").
		want(`seen 2 service=tocsin error state=critical tags=tocsin,error event_service=in "no 2"`)
}

// TestCatchEmits: what the handler of errors emits is an event like any other.
func TestCatchEmits(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		_, failed := failAt(events.Where(queried(t, `service = "in"`)), 1).Catch()
		failed.Emit()
		r.tap("events", failAt(events.Where(queried(t, `service = "tocsin error"`)), 1))
	}).play("1 service=in metric=1").
		want(`events 1 service=tocsin error state=critical tags=tocsin,error event_service=in "no 1"`)
}

// TestCatchStandsOutsideBy: an error within a group is counted where all are.
func TestCatchStandsOutsideBy(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		_, failed := failAt(byFields(t, events, "host"), 1).Catch()
		r.tap("", number(failed))
	}).play("1 host=a metric=1; 2 host=b metric=1").want(`
		1 service=tocsin error state=critical metric=1 tags=tocsin,error event_host=a "no 1";
		2 service=tocsin error state=critical metric=2 tags=tocsin,error event_host=b "no 1"`)
}

// TestErrorPlace: an error that knows its place keeps it, and gets the rule.
func TestErrorPlace(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		r.graph.Site = Site{Pos: "f.lua:1", Rule: "disk"}
		in := events.Where(queried(t, `service = "in"`))
		in.Each(func(engine.Message) error { return &engine.RuleError{Err: errors.New("g.lua:8: inner")} })
		in.Each(func(engine.Message) error { return errors.New("outer") })
		r.tap("", events.Where(queried(t, `service = "tocsin error"`)))
	}).play("0 service=in").want(`
		0 service=tocsin error state=critical tags=tocsin,error event_service=in rule=disk "g.lua:8: inner";
		0 service=tocsin error state=critical tags=tocsin,error event_service=in rule=disk "f.lua:1: outer"`)
}

// TestCatchOnBranches: of two catches that are as near, the one drawn first
// gets the error.
func TestCatchOnBranches(t *testing.T) {
	newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		s := failAt(events, 1)
		for _, name := range []string{"first", "second"} {
			_, failed := s.Catch()
			r.tap(name, failed)
		}
	}).play("1 metric=1").want(`first 1 service=tocsin error state=critical tags=tocsin,error "no 1"`)
}
