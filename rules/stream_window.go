package rules

import (
	"time"

	"tocsin/engine/stream"
)

// windowMethods are what passes lists.
var windowMethods = map[string]method{
	"moving_window": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.MovingWindow(a.whole(1, "a whole number")))
	}},
	"fixed_window": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.FixedWindow(a.whole(1, "a whole number")))
	}},
	"moving_time_window": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.MovingTimeWindow(a.seconds(1)))
	}},
	"fixed_time_window": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		var o struct {
			Aligned bool          `opt:"aligned"`
			Late    time.Duration `opt:"late"`
		}
		dt := a.seconds(1)
		a.options(2, &o)
		return orErr(s.FixedTimeWindow(dt, stream.FixedTime{Aligned: o.Aligned, Late: o.Late}))
	}},
	"project": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Project(a.predicates()...))
	}},
}
