package rules

import (
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// outMethods are what leaves the streams.
var outMethods = map[string]method{
	"to": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		sinks := make([]engine.Output, a.count())
		for i := range sinks {
			sink := sinkValue(a.get(i + 1))
			if sink == nil {
				a.wrong(i+1, "a sink, as sink.KIND { … } returns it")
			}
			sinks[i] = sink.output
		}
		return orErr(s.To(sinks...))
	}},
	"emit":  {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.Emit()) }},
	"index": {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.Index()) }},
	"each": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		c, fn := a.config, a.function(1)
		return one(s.Each(func(m engine.Message) error {
			_, err := c.call(fn, c.luaMessage(m))
			return err
		}))
	}},
	"tap": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		name, c := a.text(1, "the name of the tap"), a.config
		if c.tests == nil {
			c.taps = append(c.taps, s)
			return one(s)
		}
		c.tests.drawTap(name)
		return one(s.Tap(func(m engine.Message) error {
			c.tests.tapped(name, m)
			return nil
		}))
	}},
	"catch": {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) {
		passed, errors := s.Catch()
		return []*stream.Stream{passed, errors}, nil
	}},
}

// sinkValue returns the sink that v holds, or nil.
func sinkValue(v lua.LValue) *Sink {
	if data, ok := v.(*lua.LUserData); ok {
		if s, ok := data.Value.(*Sink); ok {
			return s
		}
	}
	return nil
}
