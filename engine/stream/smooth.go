package stream

import (
	"fmt"
	"math"
	"time"

	"tocsin/engine"
)

// EWMA replaces the metric by its exponentially weighted mean, which begins at
// 0: what came a halflife ago counts half. A late event is blended in with the
// weight that its age leaves, and passed at the newest time so far. Events
// without a metric pass unchanged.
func (s *Stream) EWMA(halflife time.Duration) (*Stream, error) {
	if halflife <= 0 {
		return nil, fmt.Errorf("ewma needs a halflife above 0, not %v", engine.InSeconds(halflife))
	}
	op := &ewma{halflife: float64(halflife)}
	op.fresh = 1 - op.left(time.Second)
	return s.addWithState(op, "ewma"), nil
}

type ewma struct {
	node
	halflife float64 // in nanoseconds
	fresh    float64 // the weight of a new event
	made     engine.Event
}

// left is what is left of a weight after d.
func (w *ewma) left(d time.Duration) float64 { return math.Exp2(-float64(d) / w.halflife) }

type ewmaState struct {
	untimed
	mean  float64
	at    engine.Time // the newest time so far
	began bool
}

func (s *ewmaState) save(w *engine.RecordWriter) {
	w.Float(s.mean)
	w.Time(s.at)
	w.Bool(s.began)
}

func (w *ewma) load(g *Group, r *engine.RecordReader) {
	g.states[w.slot] = &ewmaState{mean: r.Float(), at: r.Time(), began: r.Bool()}
}

func (w *ewma) event(g *Group, e *engine.Event) {
	if e.Has&engine.HasMetric == 0 {
		w.out.event(g, e)
		return
	}
	s := stateOf[ewmaState](g, &w.node)
	if s == nil {
		s = &ewmaState{}
		g.states[w.slot] = s
	}
	at := timeOr(e, w.now())
	if !s.began {
		s.began, s.at = true, at
	}
	w.made = *e
	if age := at.Sub(s.at); age >= 0 {
		s.mean = w.fresh*e.Metric + s.mean*w.left(age)
		s.at = at
	} else {
		s.mean += w.fresh * e.Metric * w.left(-age)
		w.made.SetTime(s.at)
	}
	w.made.SetMetric(s.mean)
	w.out.event(g, &w.made)
}

// EWMATimeless replaces the metric by a mean in which a new event has the
// weight r, from 0 to 1, and all before it 1 - r. It begins at 0. Events
// without a metric pass unchanged.
func (s *Stream) EWMATimeless(r float64) (*Stream, error) {
	if !(r >= 0 && r <= 1) {
		return nil, fmt.Errorf("ewma_timeless needs an r from 0 to 1, not %v", r)
	}
	op := &running{next: func(mean float64, e *engine.Event) float64 { return r*e.Metric + (1-r)*mean }}
	return s.addWithState(op, "ewma_timeless"), nil
}

// Counter replaces the metric by the running total, which begins at init. An
// event with the tag "reset" sets the total to its metric. Events without a
// metric pass unchanged.
func (s *Stream) Counter(init float64) *Stream {
	op := &running{init: init, next: func(total float64, e *engine.Event) float64 {
		if e.ID.Tagged("reset") {
			return e.Metric
		}
		return total + e.Metric
	}}
	return s.addWithState(op, "counter")
}

// running replaces the metric by a number that is kept from event to event.
type running struct {
	node
	init float64
	next func(number float64, e *engine.Event) float64
	made engine.Event
}

type runningState struct {
	untimed
	number float64
}

func (s *runningState) save(w *engine.RecordWriter) { w.Float(s.number) }

func (r *running) load(g *Group, in *engine.RecordReader) {
	g.states[r.slot] = &runningState{number: in.Float()}
}

func (r *running) event(g *Group, e *engine.Event) {
	if e.Has&engine.HasMetric == 0 {
		r.out.event(g, e)
		return
	}
	s := stateOf[runningState](g, &r.node)
	if s == nil {
		s = &runningState{number: r.init}
		g.states[r.slot] = s
	}
	s.number = r.next(s.number, e)
	r.made = *e
	r.made.SetMetric(s.number)
	r.out.event(g, &r.made)
}

// ReduceFunc joins an event to what was made of those before it. The events
// may not be kept. When ok is false, nothing is passed, and what was there
// before stays.
type ReduceFunc func(acc, e *engine.Event) (out engine.Event, ok bool, err error)

// Reduce passes, for each event, what fn makes of it and of what fn returned
// last. It begins with init; when that is nil, with the first event, which is
// not passed.
func (s *Stream) Reduce(fn ReduceFunc, init *engine.Event) *Stream {
	op := &reduce{fn: fn}
	if init != nil {
		first := *init
		op.init = &first
	}
	return s.addWithState(op, "reduce")
}

type reduce struct {
	node
	fn   ReduceFunc
	init *engine.Event
	made engine.Event
}

type reduceState struct {
	untimed
	acc engine.Event
}

func (s *reduceState) save(w *engine.RecordWriter) { w.Event(&s.acc) }

func (r *reduce) load(g *Group, in *engine.RecordReader) {
	g.states[r.slot] = &reduceState{acc: in.SomeEvent()}
}

func (r *reduce) event(g *Group, e *engine.Event) {
	s := stateOf[reduceState](g, &r.node)
	if s == nil {
		s = &reduceState{}
		g.states[r.slot] = s
		if r.init == nil {
			s.acc = *e
			return
		}
		s.acc = *r.init
	}
	out, ok, err := r.fn(&s.acc, e)
	if err != nil {
		r.fail(g, e, err)
		return
	}
	if ok {
		s.acc, r.made = out, out
		r.out.event(g, &r.made)
	}
}
