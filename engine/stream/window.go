package stream

import (
	"time"

	"tocsin/engine"
)

// MovingWindow passes, on each event, the list of the last n, oldest first.
func (s *Stream) MovingWindow(n int) (*Stream, error) {
	if err := needN("moving_window", n); err != nil {
		return nil, err
	}
	return s.addWithState(&movingWindow{n: n}, "moving_window"), nil
}

type movingWindow struct {
	node
	n int
}

// windowState is the events of a window, oldest first.
type windowState struct {
	untimed
	events []engine.Event
}

func (s *windowState) save(w *engine.RecordWriter) { w.Events(s.events) }

func (w *movingWindow) load(g *Group, r *engine.RecordReader) {
	g.states[w.slot] = &windowState{events: lastOf(r.Events(), w.n)}
}

func (w *fixedWindow) load(g *Group, r *engine.RecordReader) {
	g.states[w.slot] = &windowState{events: lastOf(r.Events(), w.n-1)}
}

// lastOf returns the last n of a list, or all of a shorter one: a window may
// have shrunk since its state was saved.
func lastOf[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }

func windowIn(g *Group, n *node) *windowState {
	s := stateOf[windowState](g, n)
	if s == nil {
		s = &windowState{}
		g.states[n.slot] = s
	}
	return s
}

func (w *movingWindow) event(g *Group, e *engine.Event) {
	s := windowIn(g, &w.node)
	if len(s.events) >= 2*w.n {
		s.events = dropFirst(s.events, w.n)
	}
	s.events = append(s.events, *e)
	w.out.list(g, s.events[max(0, len(s.events)-w.n):])
}

// dropFirst removes the first n events, keeping the array.
func dropFirst(events []engine.Event, n int) []engine.Event {
	left := copy(events, events[n:])
	clear(events[left:])
	return events[:left]
}

// FixedWindow passes lists of n events, each event in one.
func (s *Stream) FixedWindow(n int) (*Stream, error) {
	if err := needN("fixed_window", n); err != nil {
		return nil, err
	}
	return s.addWithState(&fixedWindow{n: n}, "fixed_window"), nil
}

type fixedWindow struct {
	node
	n int
}

func (w *fixedWindow) event(g *Group, e *engine.Event) {
	s := windowIn(g, &w.node)
	if s.events = append(s.events, *e); len(s.events) >= w.n {
		full := s.events
		s.events = s.events[:0]
		w.out.list(g, full)
	}
}

// MovingTimeWindow passes, on each event, the list of the events whose time is
// after the newest time less dt, in the order in which they came. An event
// that is older than that is dropped. One without a time counts as of now.
func (s *Stream) MovingTimeWindow(dt time.Duration) (*Stream, error) {
	if err := needDT("moving_time_window", dt); err != nil {
		return nil, err
	}
	return s.addWithState(&movingTimeWindow{dt: dt}, "moving_time_window"), nil
}

type movingTimeWindow struct {
	node
	dt time.Duration
}

type movingTimeState struct {
	untimed
	events []engine.Event
	times  []engine.Time // of events
	gone   int           // of events, from the front
	newest engine.Time
	mixed  bool // some events are not in the order of their times
}

func (s *movingTimeState) save(w *engine.RecordWriter) {
	w.Time(s.newest)
	w.Bool(s.mixed)
	w.Events(s.events[s.gone:])
	for _, at := range s.times[s.gone:] {
		w.Time(at)
	}
}

func (w *movingTimeWindow) load(g *Group, r *engine.RecordReader) {
	s := &movingTimeState{newest: r.Time(), mixed: r.Bool(), events: r.Events()}
	for range s.events {
		s.times = append(s.times, r.Time())
	}
	g.states[w.slot] = s
}

func (w *movingTimeWindow) event(g *Group, e *engine.Event) {
	s := stateOf[movingTimeState](g, &w.node)
	if s == nil {
		s = &movingTimeState{newest: timeOr(e, w.now())}
		g.states[w.slot] = s
	}
	at := timeOr(e, max(w.now(), s.newest))
	switch {
	case at <= s.newest.Add(-w.dt):
		return
	case at < s.newest:
		s.mixed = true
	case at > s.newest:
		s.newest = at
		s.evict(at.Add(-w.dt))
	}
	s.events, s.times = append(s.events, *e), append(s.times, at)
	w.out.list(g, s.events[s.gone:])
}

// evict removes the events whose time is at limit or before.
func (s *movingTimeState) evict(limit engine.Time) {
	for s.gone < len(s.times) && s.times[s.gone] <= limit {
		s.gone++
	}
	if s.mixed {
		s.filter(limit)
	} else if s.gone > len(s.times)/2 {
		s.events = dropFirst(s.events, s.gone)
		s.times = append(s.times[:0], s.times[s.gone:]...)
		s.gone = 0
	}
}

// filter removes the events whose time is at limit or before, wherever they
// are.
func (s *movingTimeState) filter(limit engine.Time) {
	events, times := s.events[:0], s.times[:0]
	s.mixed = false
	for i := s.gone; i < len(s.times); i++ {
		if at := s.times[i]; at > limit {
			s.mixed = s.mixed || len(times) > 0 && at < times[len(times)-1]
			events, times = append(events, s.events[i]), append(times, at)
		}
	}
	clear(s.events[len(events):])
	s.events, s.times, s.gone = events, times, 0
}
