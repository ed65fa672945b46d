package stream

import "tocsin/engine"

// With sets fields; a list has each of its events changed.
func (s *Stream) With(change *engine.Change) *Stream {
	return s.add(&with{change: change}, "with")
}

// Default sets the fields that are absent.
func (s *Stream) Default(change *engine.Change) *Stream {
	return s.add(&with{change: change, absent: true}, "default")
}

// with keeps, per identity, the identity that it turns into.
type with struct {
	node
	change *engine.Change
	absent bool
	made   engine.Event
}

func (w *with) apply(e *engine.Event) engine.Event {
	out := *e
	if w.change.OfIdentity() {
		out.ID = e.ID.Derived(w, w.derive)
	}
	w.change.ToEvent(&out, w.absent)
	return out
}

func (w *with) derive(id *engine.Identity) *engine.Identity {
	p := id.Parts()
	w.change.ToParts(&p, w.absent)
	return w.graph.engine.Identities().Loose(p)
}

func (w *with) event(g *Group, e *engine.Event) {
	w.made = w.apply(e)
	w.out.event(g, &w.made)
}

func (w *with) list(g *Group, events []engine.Event) { w.out.list(g, mapList(events, w.apply)) }

// mapList returns a changed copy of a list.
func mapList(events []engine.Event, change func(*engine.Event) engine.Event) []engine.Event {
	out := make([]engine.Event, len(events))
	for i := range events {
		if events[i].ID != nil {
			out[i] = change(&events[i])
		}
	}
	return out
}
