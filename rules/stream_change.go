package rules

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// changeMethods are what changes events.
var changeMethods = map[string]method{
	"map": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Map(a.config.mapFunc(a.function(1))))
	}},
	"map_list": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.MapList(a.config.listFunc(a.function(1))))
	}},
	"flatmap": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.FlatMap(a.config.flatMapFunc(a.function(1))))
	}},
	"with": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.With(a.change(1)))
	}},
	"default": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Default(a.change(1)))
	}},
	"adjust": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		c, field, fn := a.config, a.text(1, "the name of a field"), a.function(2)
		if field == "tags" {
			return one(s.Map(c.tagsFunc(fn)))
		}
		program := c.programOf(fn, ofValue)
		return orErr(s.Adjust(field, func(v engine.Value) (engine.Value, error) {
			if program != nil {
				if out, ok := c.native.runAdjust(program, fn, v); ok {
					return out, nil
				}
			}
			out, err := c.call(fn, luaValue(v))
			if err != nil {
				return engine.Value{}, err
			}
			return c.returnedValue(fn, out)
		}))
	}},
	"scale": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Scale(a.number(1, "a number")))
	}},
	"tag": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Tag(a.texts("a tag")...))
	}},
	"untag": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Untag(a.texts("a tag")...))
	}},
	"classify":  {1, classify},
	"threshold": {1, threshold},
}

// mapFunc makes a Lua function one from event to event.
func (c *Config) mapFunc(fn *lua.LFunction) stream.MapFunc {
	program := c.programOf(fn, eventToEvent)
	return func(e *engine.Event) (engine.Event, bool, error) {
		if program != nil {
			if out, kept, ok := c.native.runEvent(program, fn, e); ok {
				return out, kept, nil
			}
		}
		v, err := c.call(fn, c.luaEvent(e))
		if err != nil {
			return engine.Event{}, false, err
		}
		return c.returnedEvent(fn, v)
	}
}

// tagsFunc makes a Lua function one from tags to tags.
func (c *Config) tagsFunc(fn *lua.LFunction) stream.MapFunc {
	return func(e *engine.Event) (engine.Event, bool, error) {
		v, err := c.call(fn, c.eventField(e, "tags"))
		if err != nil {
			return engine.Event{}, false, err
		}
		change := &engine.Change{}
		if v == lua.LNil {
			change.SetTags(nil)
		} else if err := addField(change, lua.LString("tags"), v); err != nil {
			return engine.Event{}, false, returned(fn, err)
		}
		return change.Apply(e, c.at.engine.Identities()), true, nil
	}
}

// returnedEvent makes an event of what a function returned; nil and none are
// no event.
func (c *Config) returnedEvent(fn *lua.LFunction, v lua.LValue) (engine.Event, bool, error) {
	if v == lua.LNil {
		return engine.Event{}, false, nil
	}
	e, err := c.toEvent(v)
	if err != nil {
		return e, false, returned(fn, err)
	}
	return e, e.ID != nil, nil
}

// flatMapFunc makes a Lua function one from event to list.
func (c *Config) flatMapFunc(fn *lua.LFunction) stream.FlatMapFunc {
	return func(e *engine.Event) ([]engine.Event, error) {
		v, err := c.call(fn, c.luaEvent(e))
		if err != nil || v == lua.LNil {
			return nil, err
		}
		t, ok := v.(*lua.LTable)
		if !ok {
			return nil, returned(fn, fmt.Errorf("expected a list of events, got %s", describe(v)))
		}
		events, err := c.toEvents(t)
		if err != nil {
			return nil, returned(fn, err)
		}
		return events, nil
	}
}

// listFunc makes a Lua function one from list to list or event.
func (c *Config) listFunc(fn *lua.LFunction) stream.ListFunc {
	return func(events []engine.Event) (engine.Message, bool, error) {
		v, err := c.call(fn, c.luaList(events))
		if err != nil || v == lua.LNil {
			return engine.Message{}, false, err
		}
		if t, ok := v.(*lua.LTable); ok && isList(t) {
			out, err := c.toEvents(t)
			if err != nil {
				return engine.Message{}, false, returned(fn, err)
			}
			return engine.Message{Events: out, List: true}, true, nil
		}
		e, ok, err := c.returnedEvent(fn, v)
		return engine.Message{Events: []engine.Event{e}}, ok, err
	}
}

// classify takes { critical = pred, warning = pred }, or a list of
// { "state", pred } with the name of the rest last.
func classify(a *args, s *stream.Stream) ([]*stream.Stream, error) {
	t := a.table(1, "a table of states and their conditions")
	if t.Len() > 0 {
		cases, rest, hasRest := a.cases(t)
		return orErr(s.Classify(cases, rest, hasRest))
	}
	var o struct {
		Critical any `opt:"critical"`
		Warning  any `opt:"warning"`
	}
	a.options(1, &o)
	var cases []stream.Case
	for _, state := range []struct {
		name string
		pred any
	}{{"critical", o.Critical}, {"warning", o.Warning}} {
		if state.pred != nil {
			cases = append(cases, stream.Case{State: state.name, Pred: a.predicateOption(state.name, state.pred)})
		}
	}
	return orErr(s.Classify(cases, "ok", true))
}

// cases reads the list form of classify.
func (a *args) cases(t *lua.LTable) (cases []stream.Case, rest string, hasRest bool) {
	n := t.Len()
	for i := 1; i <= n; i++ {
		v := t.RawGetInt(i)
		if name, ok := v.(lua.LString); ok && i == n {
			return cases, string(name), true
		}
		pair, _ := v.(*lua.LTable)
		if pair == nil || pair.Len() != 2 {
			a.fail(`element %d must be { "state", pred }, or at the end the name of a state, got %s`, i, describe(v))
		}
		name, ok := pair.RawGetInt(1).(lua.LString)
		if !ok {
			a.fail("element %d: the name of a state must be a string, got %s", i, describe(pair.RawGetInt(1)))
		}
		pred, _, err := a.config.predicate(pair.RawGetInt(2))
		if err != nil {
			a.fail("element %d: %v", i, err)
		}
		cases = append(cases, stream.Case{State: string(name), Pred: pred})
	}
	return cases, "", false
}

func threshold(a *args, s *stream.Stream) ([]*stream.Stream, error) {
	o := struct {
		Warning    any     `opt:"warning"`
		Critical   any     `opt:"critical"`
		Below      bool    `opt:"below"`
		Hysteresis float64 `opt:"hysteresis"`
		Hits       int     `opt:"hits"`
	}{Hits: 1}
	a.table(1, "a table of limits")
	a.options(1, &o)
	limit := func(name string, v any) *float64 {
		n, ok := v.(float64)
		if v != nil && !ok {
			a.fail("option %q must be a number, got %s", name, describe(optionValue(v)))
		}
		if !ok {
			return nil
		}
		return &n
	}
	return orErr(s.Threshold(stream.Threshold{
		Warning: limit("warning", o.Warning), Critical: limit("critical", o.Critical),
		Below: o.Below, Hysteresis: o.Hysteresis, Hits: o.Hits,
	}))
}
