package stream

import (
	"math"
	"time"

	"tocsin/engine"
)

// Rate passes, every dt, the sum of the metrics of the last dt divided by dt in
// seconds, on the last event that had a metric. The ttl of what it passes falls
// by dt in each interval without an event. When nothing is left of it, or at an
// expired event, it ends, and the next event begins it anew.
func (s *Stream) Rate(dt time.Duration) (*Stream, error) {
	if err := needDT("rate", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&rate{dt: dt, seconds: engine.InSeconds(dt)}, "rate"), nil
}

type rate struct {
	node
	dt      time.Duration
	seconds float64
	made    engine.Event
}

type rateState struct {
	ticks
	op      *rate
	group   *Group
	running bool // and so holds the group
	life    life
	last    engine.Event
	sum     float64
}

func (s *rateState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	s.life.save(w)
	w.Event(&s.last)
	w.Float(s.sum)
}

func (r *rate) load(g *Group, in *engine.RecordReader) {
	s := stateOf[rateState](g, &r.node)
	s.ticks.load(in, r.graph.engine)
	s.life.load(in)
	s.last, s.sum = in.Event(), in.Float()
	if s.running = s.last.ID != nil; s.running {
		g.hold()
	}
}

func (r *rate) start(g *Group) {
	s := &rateState{op: r, group: g}
	s.ticks.begin(g, &r.node, r.dt, s)
	g.states[r.slot] = s
}

func (r *rate) event(g *Group, e *engine.Event) {
	s := stateOf[rateState](g, &r.node)
	if e.IsExpired() {
		s.end()
		return
	}
	if e.Has&engine.HasMetric != 0 {
		s.sum += e.Metric
		s.last = *e
		if !s.running {
			s.running = true
			g.hold()
			s.ticks.arm(r.graph.engine)
		}
	}
	s.life.renew(e.TTLOr(r.graph.engine.TTL()))
}

// PutOff implements engine.Waiter: an interval with a pause in it would have a
// rate that is too low.
func (s *rateState) PutOff() { s.group.change() }

// Fire implements engine.Firer: an interval has ended.
func (s *rateState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if !s.running {
		return
	}
	if !s.life.tick(s.op.dt) {
		s.end()
		return
	}
	s.ticks.arm(e)
	out := &s.op.made
	*out = s.last
	makeAt(out, e.Now())
	out.SetTTL(s.life.ttl)
	out.SetMetric(s.sum / s.op.seconds)
	s.sum = 0
	s.op.out.event(s.group, out)
}

// end stops the ticks. The group may be gone when it returns.
func (s *rateState) end() {
	if !s.running {
		return
	}
	s.running, s.sum, s.last = false, 0, engine.Event{}
	s.group.release()
}

// DDT passes each event with a metric but the first, with the metric replaced
// by its rate of change per second since the one before, by the events' own
// times. Of two with the same time, the second is not passed.
func (s *Stream) DDT() *Stream { return s.addWithState(&ddt{}, "ddt") }

type ddt struct {
	node
	made engine.Event
}

// reading is a metric at a time.
type reading struct {
	at     engine.Time
	metric float64
}

func (a reading) save(w *engine.RecordWriter) {
	w.Time(a.at)
	w.Float(a.metric)
}

func readingOf(r *engine.RecordReader) reading { return reading{r.Time(), r.Float()} }

// slope returns the change per second from a to b; ok is false when no time
// lies between them.
func slope(a, b reading) (perSecond float64, ok bool) {
	if a.at == b.at {
		return 0, false
	}
	return (b.metric - a.metric) / engine.InSeconds(b.at.Sub(a.at)), true
}

type ddtState struct {
	untimed
	before reading
	began  bool
}

func (s *ddtState) save(w *engine.RecordWriter) {
	s.before.save(w)
	w.Bool(s.began)
}

func (d *ddt) load(g *Group, r *engine.RecordReader) {
	g.states[d.slot] = &ddtState{before: readingOf(r), began: r.Bool()}
}

func (d *ddt) event(g *Group, e *engine.Event) {
	if e.Has&engine.HasMetric == 0 {
		return
	}
	s := stateOf[ddtState](g, &d.node)
	if s == nil {
		s = &ddtState{}
		g.states[d.slot] = s
	}
	before, began := s.before, s.began
	s.before, s.began = reading{timeOr(e, d.now()), e.Metric}, true
	if !began {
		return
	}
	if change, ok := slope(before, s.before); ok {
		d.made = *e
		d.made.SetMetric(change)
		d.out.event(g, &d.made)
	}
}

// DDTEvery passes, every dt, the rate of change per second from the last event
// of the interval before to the last one of this interval, on the latter. The
// first event is the "before" of the first interval; an interval without an
// event gives 0. It ends at an expired event, and in the first interval without
// an event after the last one's ttl, if that had one; the next event begins it
// anew.
func (s *Stream) DDTEvery(dt time.Duration) (*Stream, error) {
	if err := needDT("ddt", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&ddtEvery{dt: dt}, "ddt"), nil
}

type ddtEvery struct {
	node
	dt   time.Duration
	made engine.Event
}

// label tells it from a ddt without dt.
func (d *ddtEvery) label() string { return "dt" }

type ddtEveryState struct {
	ticks
	op      *ddtEvery
	group   *Group
	running bool
	waiting bool // an event is yet to be told of, and so the group is held
	life    life
	last    engine.Event
	before  reading
	now     reading // of last
}

func (s *ddtEveryState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	s.life.save(w)
	w.Event(&s.last)
	w.Bool(s.waiting)
	s.before.save(w)
	s.now.save(w)
}

func (d *ddtEvery) load(g *Group, r *engine.RecordReader) {
	s := stateOf[ddtEveryState](g, &d.node)
	s.ticks.load(r, d.graph.engine)
	s.life.load(r)
	s.last, s.waiting = r.Event(), r.Bool()
	s.before, s.now = readingOf(r), readingOf(r)
	s.running = s.last.ID != nil
	if s.waiting {
		g.hold()
	}
}

func (d *ddtEvery) start(g *Group) {
	s := &ddtEveryState{op: d, group: g}
	s.ticks.begin(g, &d.node, d.dt, s)
	g.states[d.slot] = s
}

func (d *ddtEvery) event(g *Group, e *engine.Event) {
	s := stateOf[ddtEveryState](g, &d.node)
	if e.IsExpired() {
		s.end()
		return
	}
	s.life.renew(e.TTLOr(math.MaxInt64))
	if e.Has&engine.HasMetric == 0 {
		return
	}
	s.last = *e
	s.now = reading{timeOr(e, d.now()), e.Metric}
	if !s.running {
		s.running, s.before = true, s.now
		s.ticks.arm(d.graph.engine)
	}
	if !s.waiting {
		s.waiting = true
		g.hold()
	}
}

// Fire implements engine.Firer: an interval has ended.
func (s *ddtEveryState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if !s.running {
		return
	}
	if !s.life.tick(s.op.dt) {
		s.end()
		return
	}
	s.ticks.arm(e)
	change, _ := slope(s.before, s.now)
	s.before = s.now
	out := &s.op.made
	*out = s.last
	makeAt(out, e.Now())
	out.SetMetric(change)
	s.op.out.event(s.group, out)
	s.told()
}

// end stops the ticks. The group may be gone when it returns.
func (s *ddtEveryState) end() {
	s.running, s.last = false, engine.Event{}
	s.told()
}

// told releases the group, if it was held.
func (s *ddtEveryState) told() {
	if s.waiting {
		s.waiting = false
		s.group.release()
	}
}
