package stream

import (
	"fmt"
	"slices"

	"tocsin/engine"
)

// MapFunc turns an event into another; ok is false to drop it. What it returns
// has an ID, and an Arrival: that of e when it is a copy, else the clock's.
type MapFunc func(e *engine.Event) (out engine.Event, ok bool, err error)

// ListFunc turns a list into another list, or into one event (Message.List is
// false); ok is false to drop it. What it returns belongs to the operator.
type ListFunc func(events []engine.Event) (out engine.Message, ok bool, err error)

// FlatMapFunc turns an event into any number of them. What it returns belongs
// to the operator.
type FlatMapFunc func(e *engine.Event) ([]engine.Event, error)

// AdjustFunc turns the value of a field into another. An absent Value means,
// on both ways, that the field is not there.
type AdjustFunc func(v engine.Value) (engine.Value, error)

// Map passes what fn makes of each event, also of each one of a list.
func (s *Stream) Map(fn MapFunc) *Stream { return s.add(&mapped{fn: fn}, "map") }

type mapped struct {
	node
	fn   MapFunc
	made engine.Event
}

// apply calls fn. What it makes is as deeply derived as what it is made of.
func (m *mapped) apply(e *engine.Event) (ok bool, err error) {
	m.made, ok, err = m.fn(e)
	m.made.Depth = max(m.made.Depth, e.Depth)
	return ok, err
}

func (m *mapped) event(g *Group, e *engine.Event) {
	ok, err := m.apply(e)
	if err != nil {
		m.fail(g, e, err)
	} else if ok {
		m.out.event(g, &m.made)
	}
}

func (m *mapped) list(g *Group, events []engine.Event) {
	out := make([]engine.Event, 0, len(events))
	for i := range events {
		if events[i].ID == nil {
			out = append(out, engine.Event{})
			continue
		}
		ok, err := m.apply(&events[i])
		if err != nil {
			m.fail(g, &events[i], err)
			return
		}
		if ok {
			out = append(out, m.made)
		}
	}
	m.out.list(g, out)
}

// MapList passes what fn makes of each list.
func (s *Stream) MapList(fn ListFunc) *Stream { return s.add(&mappedList{fn: fn}, "map_list") }

type mappedList struct {
	takesLists
	fn ListFunc
}

func (m *mappedList) list(g *Group, events []engine.Event) {
	made, ok, err := m.fn(events)
	if err != nil {
		m.fail(g, firstEvent(events), err)
		return
	}
	if !ok {
		return
	}
	var depth uint8
	for i := range events {
		depth = max(depth, events[i].Depth)
	}
	for i := range made.Events {
		made.Events[i].Depth = max(made.Events[i].Depth, depth)
	}
	if made.List {
		m.out.list(g, made.Events)
	} else if e := firstEvent(made.Events); e != nil {
		m.out.event(g, e)
	}
}

// FlatMap passes each of the events that fn makes of one.
func (s *Stream) FlatMap(fn FlatMapFunc) *Stream { return s.add(&flatMapped{fn: fn}, "flatmap") }

type flatMapped struct {
	node
	fn FlatMapFunc
}

func (f *flatMapped) event(g *Group, e *engine.Event) {
	made, err := f.fn(e)
	if err != nil {
		f.fail(g, e, err)
		return
	}
	depth := e.Depth // e may change once others have what was made of it
	for i := range made {
		if made[i].ID != nil {
			made[i].Depth = max(made[i].Depth, depth)
			f.out.event(g, &made[i])
		}
	}
}

// Adjust has fn change one field. Tags are changed by Tag and Untag.
func (s *Stream) Adjust(field string, fn AdjustFunc) (*Stream, error) {
	if field == "tags" {
		return nil, fmt.Errorf("adjust cannot change tags: use tag or untag")
	}
	return s.add(&adjust{field: engine.FieldNamed(field), fn: fn}, "adjust"), nil
}

type adjust struct {
	node
	field engine.Field
	fn    AdjustFunc
	made  engine.Event
}

func (a *adjust) apply(e *engine.Event) error {
	before := a.field.Of(e)
	after, err := a.fn(before)
	if err != nil {
		return err
	}
	if after == before {
		a.made = *e
		return nil
	}
	var change engine.Change
	if err := change.Set(a.field.Name(), after); err != nil {
		return err
	}
	a.made = change.Apply(e, a.graph.engine.Identities())
	return nil
}

func (a *adjust) event(g *Group, e *engine.Event) {
	if err := a.apply(e); err != nil {
		a.fail(g, e, err)
		return
	}
	a.out.event(g, &a.made)
}

func (a *adjust) list(g *Group, events []engine.Event) {
	out := make([]engine.Event, len(events))
	for i := range events {
		if events[i].ID == nil {
			continue
		}
		if err := a.apply(&events[i]); err != nil {
			a.fail(g, &events[i], err)
			return
		}
		out[i] = a.made
	}
	a.out.list(g, out)
}

// Scale multiplies the metric, where there is one.
func (s *Stream) Scale(x float64) *Stream {
	return s.add(&changer{change: func(e *engine.Event) engine.Event {
		out := *e
		if e.Has&engine.HasMetric != 0 {
			out.Metric *= x
		}
		return out
	}}, "scale")
}

// Tag adds tags in front of those that are there, without doubles.
func (s *Stream) Tag(tags ...string) (*Stream, error) {
	if len(tags) == 0 {
		return nil, fmt.Errorf("tag needs at least one tag")
	}
	return s.retag("tag", func(p *engine.Parts) {
		p.Tags = append(slices.Clone(tags), p.Tags...)
	}), nil
}

// Untag removes tags.
func (s *Stream) Untag(tags ...string) (*Stream, error) {
	if len(tags) == 0 {
		return nil, fmt.Errorf("untag needs at least one tag")
	}
	return s.retag("untag", func(p *engine.Parts) {
		p.Tags = slices.DeleteFunc(slices.Clone(p.Tags), func(tag string) bool { return slices.Contains(tags, tag) })
	}), nil
}

func (s *Stream) retag(name string, change func(p *engine.Parts)) *Stream {
	labels := s.graph.relabelling(change)
	return s.add(&changer{change: func(e *engine.Event) engine.Event {
		out := *e
		out.ID = labels.Of(e.ID)
		return out
	}}, name)
}

// changer changes events, and each event of a list, in a way that cannot fail.
type changer struct {
	node
	change func(e *engine.Event) engine.Event
	made   engine.Event
}

func (c *changer) event(g *Group, e *engine.Event) {
	c.made = c.change(e)
	c.out.event(g, &c.made)
}

func (c *changer) list(g *Group, events []engine.Event) {
	out := make([]engine.Event, len(events))
	for i := range events {
		if events[i].ID != nil {
			out[i] = c.change(&events[i])
		}
	}
	c.out.list(g, out)
}

// relabelling returns a deriver that changes parts of identities.
func (g *Graph) relabelling(change func(p *engine.Parts)) *engine.Deriver {
	ids := g.engine.Identities()
	d := engine.NewDeriver(func(id *engine.Identity) *engine.Identity {
		p := id.Parts()
		change(&p)
		return ids.Loose(p)
	})
	g.derivers = append(g.derivers, d)
	return d
}
