package rules

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// boxed is an event as Lua holds it: a read-only copy, made in one piece.
type boxed struct {
	data  lua.LUserData
	event engine.Event
}

// luaEvent makes a Lua value of an event; one without identity is none.
func (c *Config) luaEvent(e *engine.Event) lua.LValue {
	if e.ID == nil {
		return c.types.none
	}
	b := &boxed{event: *e}
	b.data.Value = &b.event
	b.data.Metatable = c.types.event
	return &b.data
}

// luaList makes a Lua table of a list of events.
func (c *Config) luaList(events []engine.Event) *lua.LTable {
	t := c.lua.CreateTable(len(events), 0)
	for i := range events {
		t.Append(c.luaEvent(&events[i]))
	}
	return t
}

// luaMessage makes an event or a list of a message.
func (c *Config) luaMessage(m engine.Message) lua.LValue {
	if m.List {
		return c.luaList(m.Events)
	}
	return c.luaEvent(&m.Events[0])
}

// eventOf returns the event that v holds, or nil.
func eventOf(v lua.LValue) *engine.Event {
	if data, ok := v.(*lua.LUserData); ok {
		if e, ok := data.Value.(*engine.Event); ok {
			return e
		}
	}
	return nil
}

// selfEvent returns the event that a method was called on.
func selfEvent(L *lua.LState, method string) *engine.Event {
	e := eventOf(L.Get(1))
	if e == nil {
		fail(L, "%s: call it with a colon on an event, as in e:%s", method, method)
	}
	return e
}

// eventMetatable makes the metatable that all events share.
func (c *Config) eventMetatable() *lua.LTable {
	L := c.lua
	methods := map[string]*lua.LFunction{
		"with":   L.NewFunction(c.eventWith),
		"tagged": L.NewFunction(eventTagged),
	}
	return c.metatable("event", map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			e := eventOf(L.Get(1))
			name, ok := L.Get(2).(lua.LString)
			switch {
			case !ok || e == nil:
				L.Push(lua.LNil)
			case methods[string(name)] != nil:
				L.Push(methods[string(name)])
			default:
				L.Push(c.eventField(e, string(name)))
			}
			return 1
		},
		"__newindex": func(L *lua.LState) int {
			name := L.Get(2).String()
			fail(L, "an event is read-only; make a changed copy with e:with { %s = … }", name)
			return 0
		},
		"__eq": func(L *lua.LState) int {
			a, b := eventOf(L.Get(1)), eventOf(L.Get(2))
			L.Push(lua.LBool(a != nil && b != nil && equalEvents(a, b)))
			return 1
		},
		"__tostring": func(L *lua.LState) int {
			L.Push(lua.LString(showEvent(selfEvent(L, "tostring"))))
			return 1
		},
	})
}

// eventField returns a field of an event as a Lua value.
func (c *Config) eventField(e *engine.Event, name string) lua.LValue {
	switch name {
	case "metric":
		if e.Has&engine.HasMetric != 0 {
			return lua.LNumber(e.Metric)
		}
		return lua.LNil
	case "state":
		if e.Has&engine.HasState != 0 {
			return lua.LString(e.State)
		}
		return lua.LNil
	case "tags":
		t := c.lua.CreateTable(len(e.ID.Labels.Tags), 0)
		for _, tag := range e.ID.Labels.Tags {
			t.Append(lua.LString(tag))
		}
		return t
	case "attributes":
		t := c.lua.CreateTable(0, len(e.ID.Labels.Attrs))
		for _, a := range e.ID.Labels.Attrs {
			t.RawSetString(a.Key, lua.LString(a.Value))
		}
		return t
	}
	return luaValue(engine.FieldNamed(name).Of(e))
}

// eventWith is e:with { … }.
func (c *Config) eventWith(L *lua.LState) int {
	e := selfEvent(L, "with { … }")
	t, ok := L.Get(2).(*lua.LTable)
	if !ok {
		fail(L, "with: expected a table of fields, got %s", describe(L.Get(2)))
	}
	change, err := c.change(t)
	check(L, err)
	out := change.Apply(e, c.at.engine.Identities())
	L.Push(c.luaEvent(&out))
	return 1
}

// eventTagged is e:tagged "tag".
func eventTagged(L *lua.LState) int {
	e := selfEvent(L, `tagged "…"`)
	tag, ok := L.Get(2).(lua.LString)
	if !ok {
		fail(L, "tagged: expected a tag, got %s", describe(L.Get(2)))
	}
	L.Push(lua.LBool(e.ID.Tagged(string(tag))))
	return 1
}

// equalEvents compares all that a rule can see of two events.
func equalEvents(a, b *engine.Event) bool {
	if a.Has != b.Has || a.State != b.State || a.Description != b.Description || a.Time != b.Time ||
		a.Metric != b.Metric || a.TTL != b.TTL {
		return false
	}
	p, q := a.ID, b.ID
	return p == q || p.Has == q.Has && p.Host == q.Host && p.Service == q.Service &&
		slices.Equal(p.Labels.Tags, q.Labels.Tags) && slices.Equal(p.Labels.Attrs, q.Labels.Attrs)
}

// showEvent shows an event as a person reads it, on one line.
func showEvent(e *engine.Event) string {
	if e.ID == nil {
		return "none"
	}
	var parts []string
	for _, name := range []string{"host", "service", "state", "metric", "time", "ttl", "description"} {
		v := engine.FieldNamed(name).Of(e)
		if v.Kind != engine.Absent {
			parts = append(parts, name+" = "+showValue(v))
		}
	}
	if tags := e.ID.Labels.Tags; len(tags) > 0 {
		quoted := make([]string, len(tags))
		for i, tag := range tags {
			quoted[i] = quote(tag)
		}
		parts = append(parts, "tags = { "+strings.Join(quoted, ", ")+" }")
	}
	for _, a := range e.ID.Labels.Attrs {
		parts = append(parts, a.Key+" = "+quote(a.Value))
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func showValue(v engine.Value) string {
	if v.Kind == engine.Text {
		return quote(v.Str)
	}
	return v.String()
}
