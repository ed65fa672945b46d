package rules

import (
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// foldMethods are what makes events of lists.
var foldMethods = map[string]method{
	"fold": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		if name, ok := a.get(1).(lua.LString); ok {
			return orErr(s.Fold(string(name)))
		}
		fn, ok := a.get(1).(*lua.LFunction)
		if !ok {
			a.wrong(1, "the name of a fold or a function of the list")
		}
		return one(s.FoldFunc(a.config.foldFunc(fn)))
	}},
	"sorted_sample": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.SortedSample(a.numbers(1)))
	}},
	"flatten": {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.Flatten()) }},
}

// foldFunc makes a Lua function one from list to event.
func (c *Config) foldFunc(fn *lua.LFunction) stream.FoldFn {
	return func(events []engine.Event) (engine.Event, bool, error) {
		v, err := c.call(fn, c.luaList(events))
		if err != nil {
			return engine.Event{}, false, err
		}
		out, ok, err := c.returnedEvent(fn, v)
		for i := range events {
			out.Depth = max(out.Depth, events[i].Depth) // it was made of them
		}
		return out, ok, err
	}
}
