package rules

import "tocsin/engine/stream"

// changeMethods are what changes events.
var changeMethods = map[string]method{
	"with": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.With(a.change(1)))
	}},
	"default": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Default(a.change(1)))
	}},
}
