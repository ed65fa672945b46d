package rules

import "tocsin/engine/stream"

// fillMethods are what fills gaps.
var fillMethods = map[string]method{
	"fill": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Fill(a.seconds(1), a.change(2)))
	}},
	"fill_last": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		dt := a.seconds(1)
		if !a.given(2) {
			return orErr(s.FillLast(dt, nil))
		}
		return orErr(s.FillLast(dt, a.change(2)))
	}},
	"interpolate": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Interpolate(a.seconds(1)))
	}},
}
