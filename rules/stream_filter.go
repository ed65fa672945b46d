package rules

import "tocsin/engine/stream"

// filterMethods are what passes some events and drops the others.
var filterMethods = map[string]method{
	"where": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Where(a.predicate(1)))
	}},
	"split": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return s.Split(a.predicates()...)
	}},
	"tagged": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.Tagged(a.texts("a tag")...))
	}},
	"tagged_any": {-1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return orErr(s.TaggedAny(a.texts("a tag")...))
	}},
	"over": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Over(a.number(1, "a number")))
	}},
	"under": {1, func(a *args, s *stream.Stream) ([]*stream.Stream, error) {
		return one(s.Under(a.number(1, "a number")))
	}},
	"expired": {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.Expired()) }},
	"live":    {0, func(_ *args, s *stream.Stream) ([]*stream.Stream, error) { return one(s.Live()) }},
}
