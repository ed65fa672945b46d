package rules

import (
	"fmt"
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// types holds the metatables of the values of the language, and none.
type types struct {
	event, stream, set, sink, secret *lua.LTable
	none                             *lua.LUserData
}

type noneValue struct{}

func (c *Config) makeTypes() {
	c.types = types{
		event:  c.eventMetatable(),
		stream: c.streamMetatable(),
		set:    c.setMetatable(),
		sink:   c.metatable("sink", nil),
		secret: c.metatable("secret", map[string]lua.LGFunction{"__tostring": secretToString}),
	}
	c.types.none = c.value(noneValue{}, c.metatable("none", map[string]lua.LGFunction{
		"__tostring": func(L *lua.LState) int {
			L.Push(lua.LString("none"))
			return 1
		},
	}))
}

// metatable makes a metatable that Lua cannot change, for values of the kind
// that name tells.
func (c *Config) metatable(name string, functions map[string]lua.LGFunction) *lua.LTable {
	t := c.lua.SetFuncs(c.lua.NewTable(), functions)
	t.RawSetString("__metatable", lua.LString(name))
	if t.RawGetString("__tostring") == lua.LNil {
		t.RawSetString("__tostring", c.lua.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LString(name))
			return 1
		}))
	}
	return t
}

// value makes a Lua value of a Go value.
func (c *Config) value(v any, metatable *lua.LTable) *lua.LUserData {
	return &lua.LUserData{Value: v, Metatable: metatable}
}

func isNone(v lua.LValue) bool {
	data, ok := v.(*lua.LUserData)
	if !ok {
		return false
	}
	_, ok = data.Value.(noneValue)
	return ok
}

// describe names a Lua value in an error.
func describe(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return "the string " + quote(string(v))
	case lua.LNumber:
		return "the number " + v.String()
	case lua.LBool:
		return v.String()
	case *lua.LNilType:
		return "nothing"
	case *lua.LTable:
		return "a table"
	case *lua.LFunction:
		return "a function"
	case *lua.LUserData:
		if t, ok := v.Metatable.(*lua.LTable); ok {
			switch name := t.RawGetString("__metatable").String(); name {
			case "none":
				return name
			case "event", "index":
				return "an " + name
			default:
				return "a " + name
			}
		}
	}
	return "a " + v.Type().String()
}

// quote quotes a text for an error, cut to a readable length.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}

// luaValue makes a Lua value of a field's value.
func luaValue(v engine.Value) lua.LValue {
	switch v.Kind {
	case engine.Bool:
		return lua.LBool(v.Num != 0)
	case engine.Number:
		return lua.LNumber(v.Num)
	case engine.Text:
		return lua.LString(v.Str)
	}
	return lua.LNil
}

// fieldValue makes a field's value of what a function of Lua returned.
func fieldValue(v lua.LValue) (engine.Value, error) {
	switch v := v.(type) {
	case *lua.LNilType:
		return engine.Value{}, nil
	case lua.LBool:
		return engine.BoolValue(bool(v)), nil
	case lua.LNumber:
		return engine.NumberValue(float64(v)), nil
	case lua.LString:
		return engine.TextValue(string(v)), nil
	}
	if isNone(v) {
		return engine.Value{}, nil
	}
	return engine.Value{}, fmt.Errorf("expected a string, a number, a boolean or nil, got %s", describe(v))
}

// change makes a change of a table of fields.
func (c *Config) change(t *lua.LTable) (*engine.Change, error) {
	change := &engine.Change{}
	var failed error
	t.ForEach(func(k, v lua.LValue) {
		if failed == nil {
			failed = addField(change, k, v)
		}
	})
	return change, failed
}

func addField(change *engine.Change, k, v lua.LValue) error {
	name, ok := k.(lua.LString)
	if !ok {
		return fmt.Errorf("the fields of an event have names, but %s stands at [%s]", describe(v), k.String())
	}
	if list, ok := v.(*lua.LTable); ok {
		if name != "tags" {
			return fmt.Errorf("%s cannot be a table", name)
		}
		tags, err := stringList(list)
		if err != nil {
			return fmt.Errorf("tags: %w", err)
		}
		change.SetTags(tags)
		return nil
	}
	value, err := fieldValue(v)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return change.Set(string(name), value)
}

// stringList reads a list of strings.
func stringList(t *lua.LTable) ([]string, error) {
	var out []string
	n := t.Len()
	for i := 1; i <= n; i++ {
		s, ok := t.RawGetInt(i).(lua.LString)
		if !ok {
			return nil, fmt.Errorf("expected a list of strings, but element %d is %s", i, describe(t.RawGetInt(i)))
		}
		out = append(out, string(s))
	}
	var failed error
	t.ForEach(func(k, _ lua.LValue) {
		if _, ok := k.(lua.LNumber); !ok {
			failed = fmt.Errorf("expected a list of strings, got a key %s", quote(k.String()))
		}
	})
	return out, failed
}

// newEvent makes an event of a table; it arrives now.
func (c *Config) newEvent(t *lua.LTable) (engine.Event, error) {
	if t.RawGetInt(1) != lua.LNil {
		return engine.Event{}, fmt.Errorf("expected an event, got a list")
	}
	change, err := c.change(t)
	if err != nil {
		return engine.Event{}, err
	}
	e := change.New(c.at.engine.Identities())
	e.Arrival = c.now()
	return e, nil
}

// toEvent makes an event of an event or a table. none gives one without
// identity.
func (c *Config) toEvent(v lua.LValue) (engine.Event, error) {
	if e := eventOf(v); e != nil {
		return *e, nil
	}
	if t, ok := v.(*lua.LTable); ok {
		return c.newEvent(t)
	}
	if isNone(v) {
		return engine.Event{}, nil
	}
	return engine.Event{}, fmt.Errorf("expected an event, got %s", describe(v))
}

// toEvents makes events of a list; v may also be one event.
func (c *Config) toEvents(t *lua.LTable) ([]engine.Event, error) {
	n := t.Len()
	out := make([]engine.Event, 0, n)
	for i := 1; i <= n; i++ {
		e, err := c.toEvent(t.RawGetInt(i))
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out = append(out, e)
	}
	if n == 0 {
		if k, _ := t.Next(lua.LNil); k != lua.LNil {
			return nil, fmt.Errorf("expected a list of events, got one event")
		}
	}
	return out, nil
}

// isList reports whether a table returned by a function is a list of events
// and not the fields of one.
func isList(t *lua.LTable) bool {
	k, _ := t.Next(lua.LNil)
	return k == lua.LNil || t.RawGetInt(1) != lua.LNil
}

// options makes a table of options of a Lua table. What is neither a string, a
// number, a boolean, a secret nor a table stays a Lua value.
func options(t *lua.LTable, pos string) (*plugins.Table, error) {
	return optionsIn(t, pos, 0)
}

// maxOptions bounds how deep tables of options may be nested: a table can hold
// itself.
const maxOptions = 16

func optionsIn(t *lua.LTable, pos string, depth int) (*plugins.Table, error) {
	if depth > maxOptions {
		return nil, fmt.Errorf("options are nested more than %d deep", maxOptions)
	}
	out := &plugins.Table{Pos: pos, Fields: make(map[string]any)}
	n := t.Len()
	var failed error
	convert := func(v lua.LValue) any {
		switch v := v.(type) {
		case lua.LString:
			return string(v)
		case lua.LNumber:
			return float64(v)
		case lua.LBool:
			return bool(v)
		case *lua.LTable:
			inner, err := optionsIn(v, pos, depth+1)
			if err != nil {
				failed = err
			}
			return inner
		case *lua.LUserData:
			if s, ok := v.Value.(plugins.Secret); ok {
				return s
			}
		}
		return v
	}
	for i := 1; i <= n && failed == nil; i++ {
		out.List = append(out.List, convert(t.RawGetInt(i)))
	}
	t.ForEach(func(k, v lua.LValue) {
		switch k := k.(type) {
		case lua.LString:
			out.Fields[string(k)] = convert(v)
		case lua.LNumber:
			if i := int(k); lua.LNumber(i) != k || i < 1 || i > n {
				failed = fmt.Errorf("an option has the key %s; options have names", k)
			}
		default:
			failed = fmt.Errorf("an option has %s for a key; options have names", describe(k))
		}
	})
	return out, failed
}
