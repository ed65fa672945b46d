package stream

import (
	"fmt"

	"tocsin/engine"
)

// To hands events, and lists as one message, to sinks, and passes them on.
func (s *Stream) To(sinks ...engine.Output) (*Stream, error) {
	if len(sinks) == 0 {
		return nil, fmt.Errorf("to needs at least one sink")
	}
	return s.add(&to{sinks: sinks}, "to"), nil
}

type to struct {
	node
	sinks []engine.Output
	one   [1]engine.Event
}

func (t *to) event(g *Group, e *engine.Event) {
	t.one[0] = *e
	for _, sink := range t.sinks {
		sink.Put(engine.Message{Events: t.one[:]})
	}
	t.out.event(g, e)
}

func (t *to) list(g *Group, events []engine.Event) {
	if there := present(events); len(there) > 0 {
		for _, sink := range t.sinks {
			sink.Put(engine.Message{Events: there, List: true})
		}
	}
	t.out.list(g, events)
}

// present returns the events of a list without the places that have none.
func present(events []engine.Event) []engine.Event {
	for i := range events {
		if events[i].ID == nil {
			out := append([]engine.Event(nil), events[:i]...)
			for _, e := range events[i:] {
				if e.ID != nil {
					out = append(out, e)
				}
			}
			return out
		}
	}
	return events
}

// Emit hands events back to the engine as derived ones, and passes them on.
func (s *Stream) Emit() *Stream { return s.add(&emit{}, "emit") }

type emit struct{ node }

func (m *emit) event(g *Group, e *engine.Event) {
	if m.derive(g, e) {
		m.out.event(g, e)
	}
}

func (m *emit) list(g *Group, events []engine.Event) {
	there := present(events)
	for i := range there {
		if !m.derive(g, &there[i]) {
			return
		}
	}
	m.out.list(g, events)
}

// derive hands a copy of e to the engine, unless e is derived too deeply.
func (m *emit) derive(g *Group, e *engine.Event) bool {
	if e.Depth >= engine.MaxDepth {
		m.fail(g, e, fmt.Errorf("an event was derived more than %d times from another; does a rule emit what it reads?", engine.MaxDepth))
		return false
	}
	derived := *e
	derived.Depth++
	m.graph.engine.Emit(derived)
	return true
}

// Index puts events into the index only, and passes them on.
func (s *Stream) Index() *Stream { return s.add(&indexed{}, "index") }

type indexed struct{ node }

func (x *indexed) event(g *Group, e *engine.Event) {
	x.graph.engine.IndexOnly(e)
	x.out.event(g, e)
}

func (x *indexed) list(g *Group, events []engine.Event) {
	there := present(events)
	for i := range there {
		x.graph.engine.IndexOnly(&there[i])
	}
	x.out.list(g, events)
}

// EachFunc is called with each event, or with each list. Events belong to the
// caller. An error becomes an event, and stops the event in hand.
type EachFunc func(m engine.Message) error

// Each calls fn and passes events on.
//
// What a rule does is measured each time, as it costs far more than the clock.
func (s *Stream) Each(fn EachFunc) *Stream {
	return s.add(&each{fn: fn, always: s.graph.Site.Rule != ""}, "each")
}

// Tap is Each for the taps of tests: fn is called with what passes.
func (s *Stream) Tap(fn EachFunc) *Stream { return s.add(&each{fn: fn}, "tap") }

type each struct {
	node
	fn     EachFunc
	one    [1]engine.Event
	always bool // measured each time
}

// call calls the function.
func (c *each) call(m engine.Message) error {
	if c.always {
		meter := c.graph.engine.Meter()
		defer meter.Leave(meter.Enter(&c.took, 1))
	}
	return c.fn(m)
}

func (c *each) event(g *Group, e *engine.Event) {
	c.one[0] = *e
	if err := c.call(engine.Message{Events: c.one[:]}); err != nil {
		c.fail(g, e, err)
		return
	}
	c.out.event(g, e)
}

func (c *each) list(g *Group, events []engine.Event) {
	if err := c.call(engine.Message{Events: events, List: true}); err != nil {
		c.fail(g, firstEvent(events), err)
		return
	}
	c.out.list(g, events)
}
