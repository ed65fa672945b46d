package stream

import (
	"time"

	"tocsin/engine"
)

// Fill passes all events, and after each dt without one an event made of
// filler, with the time of the clock. It begins at the first event, and stops
// at an expired one until the next.
func (s *Stream) Fill(dt time.Duration, filler *engine.Change) (*Stream, error) {
	return s.fill("fill", dt, filler, false)
}

// FillLast is Fill with the last event, changed by change, as what is passed.
func (s *Stream) FillLast(dt time.Duration, change *engine.Change) (*Stream, error) {
	return s.fill("fill_last", dt, change, true)
}

func (s *Stream) fill(name string, dt time.Duration, change *engine.Change, ofLast bool) (*Stream, error) {
	if err := needDT(name, dt); err != nil {
		return nil, err
	}
	if change == nil {
		change = &engine.Change{}
	}
	return s.addWithState(&fill{dt: dt, change: change, ofLast: ofLast}, name), nil
}

type fill struct {
	node
	dt     time.Duration
	change *engine.Change
	ofLast bool
	made   engine.Event
}

// fillState does not hold its group: there would be no end to that.
type fillState struct {
	op    *fill
	group *Group
	timer engine.Timer
	place uint64 // of the timer in the order of setting
	last  engine.Event
}

func (s *fillState) drop(e *engine.Engine) { e.Wheel().Cancel(&s.timer) }

func (s *fillState) save(w *engine.RecordWriter) {
	w.Timer(&s.timer)
	w.Uvarint(s.place)
	w.Event(&s.last)
}

func (f *fill) load(g *Group, r *engine.RecordReader) {
	s := f.makeState(g)
	r.Timer(&s.timer, f.graph.engine.Wheel())
	s.place, s.last = r.Uvarint(), r.Event()
	if f.ofLast && s.last.ID == nil {
		f.graph.engine.Wheel().Cancel(&s.timer) // it was a fill before
	}
	checkPeriod(r, &s.timer, f.now())
}

func (f *fill) makeState(g *Group) *fillState {
	s := &fillState{op: f, group: g}
	s.timer.Firer = s
	g.states[f.slot] = s
	return s
}

func (f *fill) event(g *Group, e *engine.Event) {
	s := stateOf[fillState](g, &f.node)
	if s == nil {
		s = f.makeState(g)
	}
	if e.IsExpired() {
		f.graph.engine.Wheel().Cancel(&s.timer)
	} else {
		if f.ofLast {
			s.last = *e
		}
		wheel := f.graph.engine.Wheel()
		s.place = wheel.Reserve()
		wheel.SetAs(&s.timer, f.graph.engine.Horizon().Add(f.dt), s.place)
	}
	f.out.event(g, e)
}

// PutOff implements engine.Waiter: what nobody could hear is no silence.
func (s *fillState) PutOff() { s.group.change() }

// Fire implements engine.Firer: dt has passed without an event.
func (s *fillState) Fire(e *engine.Engine, t *engine.Timer) {
	s.group.change()
	again(e, t, s.op.dt, s.place)
	out := &s.op.made
	if s.op.ofLast {
		*out = s.op.change.Apply(&s.last, e.Identities())
	} else {
		*out = s.op.change.New(e.Identities())
	}
	makeAt(out, e.Now())
	s.op.out.event(s.group, out)
}

// Interpolate passes the first event at once, and from then on the last one
// every dt, with the time of the clock. An expired event passes at once and
// ends it; the next event begins it anew.
func (s *Stream) Interpolate(dt time.Duration) (*Stream, error) {
	if err := needDT("interpolate", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&interpolate{dt: dt}, "interpolate"), nil
}

type interpolate struct {
	node
	dt   time.Duration
	made engine.Event
}

type interpolateState struct {
	op      *interpolate
	group   *Group
	timer   engine.Timer
	place   uint64 // of the timer in the order of setting
	last    engine.Event
	waiting bool // last is yet to be passed, and so the group is held
}

func (s *interpolateState) drop(e *engine.Engine) { e.Wheel().Cancel(&s.timer) }

func (s *interpolateState) save(w *engine.RecordWriter) {
	w.Timer(&s.timer)
	w.Uvarint(s.place)
	w.Event(&s.last)
	w.Bool(s.waiting)
}

func (p *interpolate) load(g *Group, r *engine.RecordReader) {
	s := p.makeState(g)
	r.Timer(&s.timer, p.graph.engine.Wheel())
	s.place, s.last, s.waiting = r.Uvarint(), r.Event(), r.Bool()
	if s.timer.IsSet() && s.last.ID == nil {
		r.Fail("interpolate has no event to pass")
	}
	checkPeriod(r, &s.timer, p.now())
	if s.waiting {
		g.hold()
	}
}

func (p *interpolate) makeState(g *Group) *interpolateState {
	s := &interpolateState{op: p, group: g}
	s.timer.Firer = s
	g.states[p.slot] = s
	return s
}

func (p *interpolate) event(g *Group, e *engine.Event) {
	s := stateOf[interpolateState](g, &p.node)
	if s == nil {
		s = p.makeState(g)
	}
	if e.IsExpired() {
		p.graph.engine.Wheel().Cancel(&s.timer)
		p.out.event(g, e)
		s.passed()
		return
	}
	s.last = *e
	if !s.timer.IsSet() {
		wheel := p.graph.engine.Wheel()
		s.place = wheel.Reserve()
		wheel.SetAs(&s.timer, p.now().Add(p.dt), s.place)
		s.pass()
	} else if !s.waiting {
		s.waiting = true
		g.hold()
	}
}

// Fire implements engine.Firer: the last event is due again.
func (s *interpolateState) Fire(e *engine.Engine, t *engine.Timer) {
	s.group.change()
	again(e, t, s.op.dt, s.place)
	s.pass()
}

// pass passes the last event. The group may be gone when it returns.
func (s *interpolateState) pass() {
	out := &s.op.made
	*out = s.last
	makeAt(out, s.op.now())
	s.op.out.event(s.group, out)
	s.passed()
}

// passed releases the group, if it was held for the last event.
func (s *interpolateState) passed() {
	if s.waiting {
		s.waiting = false
		s.group.release()
	}
}
