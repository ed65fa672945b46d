package engine

import (
	"fmt"
	"slices"
)

// Change is a set of fields to set or remove, as with and its kin take it.
// It is made once and applied to many events.
type Change struct {
	event    []fieldChange // of fields that the event holds
	identity []fieldChange // of fields that the identity holds
	tags     []string
	setTags  bool
}

type fieldChange struct {
	field Field
	value Value // Absent: remove
}

// Set adds a field to the change; an Absent value removes the field. Tags are
// set by SetTags, except that an Absent value removes them. An attribute given
// as a number or a boolean is kept as its text.
func (c *Change) Set(name string, v Value) error {
	f := FieldNamed(name)
	want := Text
	switch f.kind {
	case fieldTime, fieldMetric, fieldTTL:
		want = Number
	case fieldTags:
		if v.Kind == Absent {
			c.SetTags(nil)
			return nil
		}
		return fmt.Errorf("tags must be a list of strings")
	case fieldAttr:
		if v.Kind == Number || v.Kind == Bool {
			v = TextValue(v.String())
		}
	}
	if v.Kind != Absent && v.Kind != want {
		if want == Number {
			return fmt.Errorf("%s must be a number, not %q", name, v.String())
		}
		return fmt.Errorf("%s must be a string, not %s", name, v.String())
	}
	if f.IsStatic() {
		c.identity = append(c.identity, fieldChange{f, v})
	} else {
		c.event = append(c.event, fieldChange{f, v})
	}
	return nil
}

// SetTags has the change replace the tags. It keeps the slice.
func (c *Change) SetTags(tags []string) { c.tags, c.setTags = tags, true }

// OfIdentity reports whether the change touches host, service, tags or
// attributes.
func (c *Change) OfIdentity() bool { return len(c.identity) > 0 || c.setTags }

// ToEvent changes what the event itself holds. With absent set, only fields
// that are not there are changed.
func (c *Change) ToEvent(e *Event, absent bool) {
	for _, ch := range c.event {
		if absent && ch.field.Of(e).Kind != Absent {
			continue
		}
		v := ch.value
		switch ch.field.kind {
		case fieldState:
			setOrClear(v, HasState, e, func() { e.SetState(v.Str) })
		case fieldDescription:
			setOrClear(v, HasDescription, e, func() { e.SetDescription(v.Str) })
		case fieldTime:
			setOrClear(v, HasTime, e, func() { e.SetTime(TimeOf(v.Num)) })
		case fieldMetric:
			setOrClear(v, HasMetric, e, func() { e.SetMetric(v.Num) })
		case fieldTTL:
			setOrClear(v, HasTTL, e, func() { e.SetTTL(Seconds(v.Num)) })
		}
	}
}

func setOrClear(v Value, field Fields, e *Event, set func()) {
	if v.Kind == Absent {
		e.Clear(field)
		return
	}
	set()
}

// ToParts changes what the identity holds. With absent set, only fields that
// are not there are changed.
func (c *Change) ToParts(p *Parts, absent bool) {
	for _, ch := range c.identity {
		v := ch.value
		switch ch.field.kind {
		case fieldHost:
			if !absent || p.Has&HasHost == 0 {
				p.Host, p.Has = v.Str, p.Has&^HasHost
				if v.Kind != Absent {
					p.Has |= HasHost
				}
			}
		case fieldService:
			if !absent || p.Has&HasService == 0 {
				p.Service, p.Has = v.Str, p.Has&^HasService
				if v.Kind != Absent {
					p.Has |= HasService
				}
			}
		case fieldAttr:
			there := slices.ContainsFunc(p.Attrs, func(a Attr) bool { return a.Key == ch.field.name })
			switch {
			case absent && there:
			case v.Kind == Absent:
				p.RemoveAttr(ch.field.name)
			default:
				p.SetAttr(ch.field.name, v.Str)
			}
		}
	}
	if c.setTags && !(absent && len(p.Tags) > 0) {
		p.Tags = c.tags
	}
}

// New makes an event of the fields of a change that has no event to start
// from. The event has no Arrival.
func (c *Change) New(ids *Identities) Event {
	var e Event
	var p Parts
	c.ToParts(&p, false)
	e.ID = ids.Loose(p)
	c.ToEvent(&e, false)
	return e
}

// Apply returns a changed copy of e.
func (c *Change) Apply(e *Event, ids *Identities) Event {
	out := *e
	if c.OfIdentity() {
		p := e.ID.Parts()
		c.ToParts(&p, false)
		out.ID = ids.Loose(p)
	}
	c.ToEvent(&out, false)
	return out
}
