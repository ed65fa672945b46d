package rules

import (
	"fmt"
	"io"
	"os"

	"tocsin/engine"
	"tocsin/plugins"
)

// readRecording reads a recording, whose events come as if from the
// configuration's source of the recording's kind: its options say what names
// mean, its ttl and tags apply. known is told that source, which may be nil,
// before the first event.
func (c *Config) readRecording(in io.Reader, env plugins.RecordingEnv, known func(*Source)) error {
	format, in, err := plugins.SniffRecording(in)
	if err != nil {
		return err
	}
	from := c.onlySource(format.Name)
	known(from)
	if from != nil {
		env.Source = from.Source
		env.Identities = env.Identities.Tagged(from.Tags)
	}
	return format.Read(in, env)
}

// SourceOf returns the source of that kind and name, or, when name is "", the
// only one of the kind; nil when there is none, or there are several.
func (c *Config) SourceOf(kind, name string) *Source {
	if name == "" {
		return c.onlySource(kind)
	}
	if s := c.sourceNamed(name); s != nil && s.Kind == kind {
		return s
	}
	return nil
}

// onlySource returns the source of a kind, if there is exactly one.
func (c *Config) onlySource(kind string) *Source {
	var found *Source
	for _, s := range c.Sources {
		if s.Kind != kind {
			continue
		}
		if found != nil {
			return nil
		}
		found = s
	}
	return found
}

// sourceNamed returns the source of that name, or nil.
func (c *Config) sourceNamed(name string) *Source {
	for _, s := range c.Sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// ingestFrom hands in an event of a source, which may be nil.
func (c *Config) ingestFrom(from *Source, e *engine.Event) {
	from.setTTL(e)
	if from != nil && from.Through != nil {
		c.Engine.IngestThrough(e, from.Through)
		return
	}
	c.Engine.Ingest(e)
}

// setTTL sets the source's ttl on an event that has none. s may be nil.
func (s *Source) setTTL(e *engine.Event) {
	if s != nil && s.TTL > 0 && e.Has&engine.HasTTL == 0 {
		e.SetTTL(s.TTL)
	}
}

// replayFile sends the events of a recording, in a test.
func (t *tester) replayFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read recording: %w", err)
	}
	defer file.Close()
	c := t.config
	var from *Source
	events, bad := 0, 0
	env := plugins.RecordingEnv{
		Identities: c.Engine.Identities(),
		Emit: func(e *engine.Event) error {
			if events++; events == 1 && e.Has&engine.HasTime != 0 {
				c.Engine.StartAt(e.Time)
			}
			if e.Has&engine.HasTime != 0 {
				if err := t.moveTo(e.Time); err != nil {
					return err
				}
			}
			c.ingestFrom(from, e)
			return nil
		},
		Skipped: func(err error) {
			bad++
			c.logger.Warn("recording", "file", path, "err", err)
		},
	}
	err = c.readRecording(file, env, func(s *Source) { from = s })
	c.Engine.Flush()
	if err == nil && events == 0 && bad > 0 {
		err = fmt.Errorf("none of its %d entries makes an event", bad)
	}
	if err != nil {
		return fmt.Errorf("cannot replay %q: %w", path, err)
	}
	return nil
}
