package rules

import (
	"time"

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
	"changed": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		var o struct {
			Init  any  `opt:"init"`
			Pairs bool `opt:"pairs"`
		}
		key := a.key(1)
		a.options(2, &o)
		changed := stream.ChangedOptions{Pairs: o.Pairs}
		if o.Init != nil {
			init, err := fieldValue(optionValue(o.Init))
			if err != nil {
				a.fail(`option "init": %v`, err)
			}
			changed.Init, changed.HasInit = init, true
		}
		return one(s.Changed(key, changed))
	}},
	"stable": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Stable(a.seconds(1), a.key(2)))
	}},
	"runs": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Runs(a.whole(1, "a whole number"), a.key(2)))
	}},
	"at_least": {3, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.AtLeast(a.whole(1, "a whole number"), a.whole(2, "a whole number"), a.predicate(3)))
	}},
	"flapping": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		o := struct {
			Window time.Duration `opt:"window"`
			High   int           `opt:"high"`
			Low    int           `opt:"low"`
		}{300 * time.Second, 5, 2}
		a.options(1, &o)
		return orErr(s.Flapping(stream.Flapping{Window: o.Window, High: o.High, Low: o.Low}))
	}},
	"top": {2, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		top, rest, err := s.Top(a.whole(1, "a whole number"), a.key(2))
		return []*stream.Stream{top, rest}, err
	}},
}
