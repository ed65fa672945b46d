package rules

import (
	"time"

	"tocsin/engine/stream"
)

// coalescePeriod is how often coalesce passes its list when not told.
const coalescePeriod = time.Second

// holdMethods are what holds events back.
var holdMethods = map[string]method{
	"throttle": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Throttle(a.whole(1, "a whole number"), a.seconds(2)))
	}},
	"rollup": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Rollup(a.whole(1, "a whole number"), a.seconds(2)))
	}},
	"batch": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Batch(a.whole(1, "a whole number"), a.seconds(2)))
	}},
	"coalesce": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		if !a.given(1) {
			return orErr(s.Coalesce(coalescePeriod))
		}
		return orErr(s.Coalesce(a.seconds(1)))
	}},
	"sample": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Sample(a.seconds(1)))
	}},
}
