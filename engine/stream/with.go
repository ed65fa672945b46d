package stream

import "tocsin/engine"

// With sets fields; a list has each of its events changed.
func (s *Stream) With(change *engine.Change) *Stream { return s.with(change, false, "with") }

// Default sets the fields that are absent.
func (s *Stream) Default(change *engine.Change) *Stream { return s.with(change, true, "default") }

func (s *Stream) with(change *engine.Change, absent bool, name string) *Stream {
	labels := s.graph.relabelling(func(p *engine.Parts) { change.ToParts(p, absent) })
	return s.add(&changer{change: func(e *engine.Event) engine.Event {
		out := *e
		if change.OfIdentity() {
			out.ID = labels.Of(e.ID)
		}
		change.ToEvent(&out, absent)
		return out
	}}, name)
}
