package rules

import (
	"slices"

	"tocsin/plugins"
)

// origin is what a source or sink was built with.
type origin struct {
	env     plugins.Env
	options *plugins.Table
}

// same reports whether the same would be built of both.
func (o *origin) same(other *origin) bool {
	return o.env.Name == other.env.Name && o.env.Dir == other.env.Dir && o.options.Equal(other.options)
}

// Same reports whether s and old, of an older configuration, are one source, so
// that its connections can stay. Its ttl and the stream that its events go
// through may differ: see Input.
func (s *Source) Same(old *Source) bool {
	return s.Kind == old.Kind && slices.Equal(s.Tags, old.Tags) && s.origin.same(&old.origin)
}

// Keep has s be what runs already for old, which is the same.
func (s *Source) Keep(old *Source) {
	s.Source, s.Metrics, s.env = old.Source, old.Metrics, old.env
}

// Again builds the source once more, when the one that there was has ended.
func (s *Source) Again() error {
	made, err := plugins.NewSource(s.Kind, s.env, s.options)
	if err == nil {
		s.Source = made
	}
	return err
}

// Same reports whether s and old, of an older configuration, are one sink, so
// that its outlet can stay.
func (s *Sink) Same(old *Sink) bool {
	return s.Kind == old.Kind && s.Queue == old.Queue && s.Full == old.Full && s.origin.same(&old.origin)
}

// Keep has s be what runs already for old, which is the same.
func (s *Sink) Keep(old *Sink) { s.Sink, s.Metrics, s.env = old.Sink, old.Metrics, old.env }
