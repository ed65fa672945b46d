package rules

import (
	"tocsin/engine"
	"tocsin/engine/stream"
)

// groupMethods are what groups and compares events.
var groupMethods = map[string]method{
	"by": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		keys := make([]engine.Key, a.count())
		for i := range keys {
			keys[i] = a.key(i + 1)
		}
		return orErr(s.By(keys...))
	}},
}
