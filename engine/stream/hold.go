package stream

import (
	"math"
	"time"

	"tocsin/engine"
)

// quota counts what passed in the window that ends at end.
type quota struct {
	end  engine.Time
	used int
}

// enter begins a new window if the last one has ended.
func (q *quota) enter(now engine.Time, t *ticks) {
	if now >= q.end {
		q.end, q.used = t.after(now), 0
	}
}

func (q *quota) save(w *engine.RecordWriter) {
	w.Time(q.end)
	w.Int(q.used)
}

// load reads what save wrote; the window ends at last at the latest.
func (q *quota) load(r *engine.RecordReader, last engine.Time) {
	q.end, q.used = min(r.Time(), last), r.Int(math.MaxInt)
}

// Throttle passes the first n events of each dt and drops the rest.
func (s *Stream) Throttle(n int, dt time.Duration) (*Stream, error) {
	if err := needNAndDT("throttle", n, dt); err != nil {
		return nil, err
	}
	return s.addWithState(&throttle{n: n, dt: dt}, "throttle"), nil
}

type throttle struct {
	node
	n  int
	dt time.Duration
}

type throttleState struct {
	ticks
	group *Group
	quota quota
}

func (s *throttleState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	s.quota.save(w)
}

func (t *throttle) load(g *Group, r *engine.RecordReader) {
	s := stateOf[throttleState](g, &t.node)
	s.ticks.load(r, t.graph.engine)
	s.quota.load(r, t.now().Add(t.dt))
}

func (t *throttle) start(g *Group) {
	s := &throttleState{group: g}
	s.ticks.begin(g, &t.node, t.dt, s)
	g.states[t.slot] = s
}

// Fire implements engine.Firer: the first window has ended, which an event of
// a later one would notice as well.
func (s *throttleState) Fire(*engine.Engine, *engine.Timer) { s.group.change() }

func (t *throttle) event(g *Group, e *engine.Event) {
	s := stateOf[throttleState](g, &t.node)
	s.quota.enter(t.now(), &s.ticks)
	if s.quota.used < t.n {
		s.quota.used++
		t.out.event(g, e)
	}
}

// held is the events that an operator holds in one group until a tick. It
// holds the group as long.
type held struct {
	ticks
	group  *Group
	events []engine.Event
}

func (h *held) save(w *engine.RecordWriter) {
	h.ticks.save(w)
	w.Events(h.events)
}

func (h *held) load(r *engine.RecordReader, by *node) {
	h.ticks.load(r, by.graph.engine)
	if h.events = r.Events(); len(h.events) > 0 {
		h.group.hold()
	}
}

func (h *held) add(e *engine.Event, by *node) {
	if len(h.events) == 0 {
		h.group.hold()
		h.ticks.arm(by.graph.engine)
	}
	h.events = append(h.events, *e)
}

// flush passes the events as a list, if there are any. The group may be gone
// when it returns.
func (h *held) flush(by *node) {
	if len(h.events) == 0 {
		return
	}
	by.out.list(h.group, h.events)
	h.clear()
}

// clear lets go of the events and of the group, which may be gone when it
// returns.
func (h *held) clear() {
	clear(h.events)
	h.events = h.events[:0]
	h.group.release()
}

// Rollup passes the first n events of each dt as lists of one, and the rest as
// one list at the end of dt, which uses up one of the next n.
func (s *Stream) Rollup(n int, dt time.Duration) (*Stream, error) {
	if err := needNAndDT("rollup", n, dt); err != nil {
		return nil, err
	}
	return s.addWithState(&rollup{n: n, dt: dt}, "rollup"), nil
}

type rollup struct {
	node
	n   int
	dt  time.Duration
	one [1]engine.Event
}

type rollupState struct {
	held
	op    *rollup
	quota quota
}

func (s *rollupState) save(w *engine.RecordWriter) {
	s.held.save(w)
	s.quota.save(w)
}

func (r *rollup) load(g *Group, in *engine.RecordReader) {
	s := stateOf[rollupState](g, &r.node)
	s.held.load(in, &r.node)
	s.quota.load(in, r.now().Add(r.dt))
}

func (r *rollup) start(g *Group) {
	s := &rollupState{held: held{group: g}, op: r}
	s.ticks.begin(g, &r.node, r.dt, s)
	g.states[r.slot] = s
}

func (r *rollup) event(g *Group, e *engine.Event) {
	s := stateOf[rollupState](g, &r.node)
	s.quota.enter(r.now(), &s.ticks)
	if s.quota.used < r.n {
		s.quota.used++
		r.one[0] = *e
		r.out.list(g, r.one[:])
		return
	}
	s.add(e, &r.node)
}

// Fire implements engine.Firer: a window has ended.
func (s *rollupState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if len(s.events) > 0 {
		s.quota.enter(e.Now(), &s.ticks)
		s.quota.used = 1
		s.flush(&s.op.node)
	}
}

// Batch passes lists of n events, or at the end of each dt what there is.
func (s *Stream) Batch(n int, dt time.Duration) (*Stream, error) {
	if err := needNAndDT("batch", n, dt); err != nil {
		return nil, err
	}
	return s.addWithState(&batch{n: n, dt: dt}, "batch"), nil
}

type batch struct {
	node
	n  int
	dt time.Duration
}

type batchState struct {
	held
	op *batch
}

func (b *batch) load(g *Group, r *engine.RecordReader) {
	stateOf[batchState](g, &b.node).held.load(r, &b.node)
}

func (b *batch) start(g *Group) {
	s := &batchState{held: held{group: g}, op: b}
	s.ticks.begin(g, &b.node, b.dt, s)
	g.states[b.slot] = s
}

func (b *batch) event(g *Group, e *engine.Event) {
	s := stateOf[batchState](g, &b.node)
	s.add(e, &b.node)
	if len(s.events) >= b.n {
		s.flush(&b.node)
	}
}

// Fire implements engine.Firer: a window has ended.
func (s *batchState) Fire(*engine.Engine, *engine.Timer) {
	s.group.change()
	s.flush(&s.op.node)
}

// Sample passes the last event of each dt at its end.
func (s *Stream) Sample(dt time.Duration) (*Stream, error) {
	if err := needDT("sample", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&sample{dt: dt}, "sample"), nil
}

type sample struct {
	node
	dt   time.Duration
	made engine.Event
}

type sampleState struct {
	ticks
	op      *sample
	group   *Group
	last    engine.Event
	waiting bool // last is yet to be passed, and so the group is held
}

func (s *sampleState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	w.Event(&s.last)
}

func (p *sample) load(g *Group, r *engine.RecordReader) {
	s := stateOf[sampleState](g, &p.node)
	s.ticks.load(r, p.graph.engine)
	s.last = r.Event()
	if s.waiting = s.last.ID != nil; s.waiting {
		g.hold()
	}
}

func (p *sample) start(g *Group) {
	s := &sampleState{op: p, group: g}
	s.ticks.begin(g, &p.node, p.dt, s)
	g.states[p.slot] = s
}

func (p *sample) event(g *Group, e *engine.Event) {
	s := stateOf[sampleState](g, &p.node)
	s.last = *e
	if !s.waiting {
		s.waiting = true
		g.hold()
		s.ticks.arm(p.graph.engine)
	}
}

// Fire implements engine.Firer: a window has ended.
func (s *sampleState) Fire(*engine.Engine, *engine.Timer) {
	s.group.change()
	if !s.waiting {
		return
	}
	s.op.made = s.last
	s.op.out.event(s.group, &s.op.made)
	s.waiting, s.last = false, engine.Event{}
	s.group.release()
}
