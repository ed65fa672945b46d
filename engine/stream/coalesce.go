package stream

import (
	"slices"
	"time"

	"tocsin/engine"
)

// Coalesce passes, every dt, a list of the latest event of each (host,
// service), in that order. An expired one is in one list; one whose ttl has
// passed is in one as its expiry. Nothing is passed while it holds nothing.
func (s *Stream) Coalesce(dt time.Duration) (*Stream, error) {
	if err := needDT("coalesce", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&coalesce{dt: dt}, "coalesce"), nil
}

type coalesce struct {
	node
	dt    time.Duration
	shown []engine.Event
}

type coalesceState struct {
	ticks
	op     *coalesce
	group  *Group // held while there is something in latest
	latest map[hostService]*engine.Event
	order  []*engine.Event // of latest, by host and service once sorted
	sorted bool
}

func (s *coalesceState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	w.Int(len(s.order))
	for _, e := range s.order {
		w.Event(e)
	}
}

func (c *coalesce) load(g *Group, r *engine.RecordReader) {
	s := stateOf[coalesceState](g, &c.node)
	s.ticks.load(r, c.graph.engine)
	events := r.Events()
	for i := range events {
		key := hostServiceOf(events[i].ID)
		if s.latest[key] != nil {
			r.Fail("coalesce has an event twice")
			return
		}
		s.latest[key] = &events[i]
		s.order = append(s.order, &events[i])
	}
	if len(s.order) > 0 {
		g.hold()
	}
}

func (c *coalesce) start(g *Group) {
	s := &coalesceState{op: c, group: g, latest: make(map[hostService]*engine.Event)}
	s.ticks.begin(g, &c.node, c.dt, s)
	g.states[c.slot] = s
}

func (c *coalesce) event(g *Group, e *engine.Event) {
	s := stateOf[coalesceState](g, &c.node)
	key := hostServiceOf(e.ID)
	if at := s.latest[key]; at != nil {
		*at = *e
		return
	}
	if len(s.order) == 0 {
		g.hold()
		s.ticks.arm(c.graph.engine)
	}
	kept := *e
	s.latest[key] = &kept
	s.order = append(s.order, &kept)
	s.sorted = false
}

// Fire implements engine.Firer: a window has ended.
func (s *coalesceState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if len(s.order) == 0 {
		return
	}
	if !s.sorted {
		slices.SortFunc(s.order, func(a, b *engine.Event) int { return a.ID.Compare(b.ID) })
		s.sorted = true
	}
	list, live := s.op.shown[:0], s.order[:0]
	for _, at := range s.order {
		switch {
		case at.IsExpired():
			list = append(list, *at)
		case e.HasExpired(at):
			list = append(list, at.Expiry(e.Now()))
		default:
			list = append(list, *at)
			live = append(live, at)
			continue
		}
		delete(s.latest, hostServiceOf(at.ID))
	}
	clear(s.order[len(live):])
	s.order, s.op.shown = live, list
	if len(live) > 0 {
		s.ticks.arm(e)
	}
	s.op.out.list(s.group, list)
	if len(live) == 0 {
		s.group.release()
	}
}
