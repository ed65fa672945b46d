package rules

import (
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// rateMethods are rates, means, and what else sums up over time.
var rateMethods = map[string]method{
	"rate": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Rate(a.seconds(1)))
	}},
	"ddt": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		if !a.given(1) {
			return one(s.DDT())
		}
		return orErr(s.DDTEvery(a.seconds(1)))
	}},
	"ewma": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.EWMA(a.seconds(1)))
	}},
	"ewma_timeless": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.EWMATimeless(a.number(1, "a number")))
	}},
	"counter": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		init := 0.0
		if a.given(1) {
			init = a.number(1, "a number")
		}
		return one(s.Counter(init))
	}},
	"reduce": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		fn := a.function(1)
		var init *engine.Event
		if a.given(2) {
			e, err := a.config.toEvent(a.get(2))
			if err != nil || e.ID == nil {
				a.wrong(2, "an event")
			}
			init = &e
		}
		return one(s.Reduce(a.config.reduceFunc(fn), init))
	}},
	"percentiles": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Percentiles(a.seconds(1), a.numbers(2)))
	}},
	"apdex": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		var o struct {
			Satisfied any `opt:"satisfied,required"`
			Tolerated any `opt:"tolerated,required"`
		}
		dt := a.seconds(1)
		a.table(2, "a table of conditions")
		a.options(2, &o)
		return orErr(s.Apdex(dt, a.predicateOption("satisfied", o.Satisfied), a.predicateOption("tolerated", o.Tolerated)))
	}},
	"predict": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Predict(a.whole(1, "a whole number"), a.seconds(2)))
	}},
	"clock_skew": {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.ClockSkew()) }},
}

// reduceFunc makes a Lua function one that joins an event to those before.
func (c *Config) reduceFunc(fn *lua.LFunction) stream.ReduceFunc {
	return func(acc, e *engine.Event) (engine.Event, bool, error) {
		v, err := c.call(fn, c.luaEvent(acc), c.luaEvent(e))
		if err != nil {
			return engine.Event{}, false, err
		}
		out, ok, err := c.returnedEvent(fn, v)
		out.Depth = max(out.Depth, acc.Depth, e.Depth) // it was made of them
		return out, ok, err
	}
}
