package stream

import (
	"time"

	"tocsin/engine"
)

// Stable passes events whose key stays the same for dt or longer. The first
// ones are held back until that is sure: by the time of a later event with the
// same key, or because the clock gets there before an event with another.
func (s *Stream) Stable(dt time.Duration, key engine.Key) (*Stream, error) {
	if err := needDT("stable", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&stable{dt: dt, key: key}, "stable"), nil
}

type stable struct {
	node
	dt  time.Duration
	key engine.Key
}

// stableState is a run of events with the same key.
type stableState struct {
	op    *stable
	group *Group
	timer engine.Timer
	value engine.Value
	since engine.Time
	// held are the events of a run that is not yet long enough. While there
	// are any, the group is held and the timer is set.
	held []engine.Event
	any  bool // there was an event
}

func (s *stableState) drop(e *engine.Engine) { e.Wheel().Cancel(&s.timer) }

func (s *stableState) save(w *engine.RecordWriter) {
	w.Timer(&s.timer)
	w.Value(s.value)
	w.Time(s.since)
	w.Bool(s.any)
	w.Events(s.held)
}

func (op *stable) load(g *Group, r *engine.RecordReader) {
	s := op.stateIn(g)
	r.Timer(&s.timer, op.graph.engine.Wheel())
	s.value, s.since, s.any, s.held = r.Value(), r.Time(), r.Bool(), r.Events()
	if s.timer.IsSet() != (len(s.held) > 0) {
		r.Fail("stable holds events without end")
	}
	if len(s.held) > 0 {
		g.hold()
	}
}

func (op *stable) stateIn(g *Group) *stableState {
	s := stateOf[stableState](g, &op.node)
	if s == nil {
		s = &stableState{op: op, group: g}
		s.timer.Firer = s
		g.states[op.slot] = s
	}
	return s
}

func (op *stable) event(g *Group, e *engine.Event) {
	v, err := op.key.Value(e)
	if err != nil {
		op.fail(g, e, err)
		return
	}
	s := op.stateIn(g)
	switch at := timeOr(e, op.now()); {
	case !s.any || v != s.value:
		s.begin(v, at, e)
	case len(s.held) == 0:
		op.out.event(g, e)
	default:
		s.held = append(s.held, *e)
		if at >= s.since.Add(op.dt) {
			s.release()
		}
	}
}

// begin drops what was held of the run before, and holds the first of a new one.
func (s *stableState) begin(v engine.Value, at engine.Time, e *engine.Event) {
	if len(s.held) == 0 {
		s.group.hold()
	}
	s.value, s.since, s.any = v, at, true
	s.clear()
	s.held = append(s.held, *e)
	clock := s.op.graph.engine
	ahead := clock.Horizon().Sub(clock.Now()) // of a pause that is being passed over
	clock.Wheel().Set(&s.timer, at.Add(s.op.dt).Add(ahead))
}

// PutOff implements engine.Waiter: nobody could hear of another state.
func (s *stableState) PutOff() { s.group.change() }

// Fire implements engine.Firer: the run has lasted long enough.
func (s *stableState) Fire(*engine.Engine, *engine.Timer) {
	s.group.change()
	s.release()
}

// release passes what was held. The group may be gone when it returns.
func (s *stableState) release() {
	s.op.graph.engine.Wheel().Cancel(&s.timer)
	for i := range s.held {
		s.op.out.event(s.group, &s.held[i])
	}
	s.clear()
	s.group.release()
}

// clear empties the buffer. A long one is given back.
func (s *stableState) clear() {
	clear(s.held)
	s.held = s.held[:0]
	if cap(s.held) > 64 {
		s.held = nil
	}
}
