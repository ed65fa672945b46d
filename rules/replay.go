package rules

import (
	"fmt"
	"io"
	"os"

	"tocsin/engine"
	"tocsin/plugins"
)

// Replay reads a recording and hands its events to the engine, as if they came
// from the configuration's source of the recording's kind: its options say what
// names mean, its ttl, tags and through apply. before is called with each event
// before it is handed in, to move the clock; its error ends the replay and is
// returned. What makes no event is told to skipped.
func (c *Config) Replay(in io.Reader, before func(*engine.Event) error, skipped func(error)) error {
	format, in, err := plugins.SniffRecording(in)
	if err != nil {
		return err
	}
	env := plugins.RecordingEnv{Identities: c.Engine.Identities(), Skipped: skipped}
	from := c.onlySource(format.Name)
	if from != nil {
		env.Source = from.Source
		env.Identities = env.Identities.Tagged(from.Tags)
	}
	env.Emit = func(e *engine.Event) error {
		if err := before(e); err != nil {
			return err
		}
		c.ingestFrom(from, e)
		return nil
	}
	return format.Read(in, env)
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

// ingestFrom hands in an event of a source, which may be nil.
func (c *Config) ingestFrom(from *Source, e *engine.Event) {
	if from != nil && from.TTL > 0 && e.Has&engine.HasTTL == 0 {
		e.SetTTL(from.TTL)
	}
	if from != nil && from.Through != nil {
		c.Engine.IngestThrough(e, from.Through)
		return
	}
	c.Engine.Ingest(e)
}

// replayFile sends the events of a recording, in a test.
func (t *tester) replayFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read recording: %w", err)
	}
	defer file.Close()
	c := t.config
	events, bad := 0, 0
	err = c.Replay(file, func(e *engine.Event) error {
		if events++; events == 1 && e.Has&engine.HasTime != 0 {
			c.Engine.StartAt(e.Time)
		}
		if e.Has&engine.HasTime == 0 {
			return nil
		}
		return t.moveTo(e.Time)
	}, func(err error) {
		bad++
		c.logger.Warn("recording", "file", path, "err", err)
	})
	c.Engine.Flush()
	if err == nil && events == 0 && bad > 0 {
		err = fmt.Errorf("none of its %d entries makes an event", bad)
	}
	if err != nil {
		return fmt.Errorf("cannot replay %q: %w", path, err)
	}
	return nil
}
