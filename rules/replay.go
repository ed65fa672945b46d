package rules

import (
	"fmt"
	"io"
	"os"

	"tocsin/engine"
	"tocsin/plugins"
)

// Replay reads a recording and hands each event to take, as if it came from
// the configuration's source of the recording's kind: its options say what
// names mean, and it says how the event is to be handed in. What makes no event
// is told to skipped. An error of take ends the replay and is returned.
func (c *Config) Replay(in io.Reader, take func(engine.InputOptions, *engine.Event) error, skipped func(error)) error {
	format, in, err := plugins.SniffRecording(in)
	if err != nil {
		return err
	}
	var from engine.InputOptions
	env := plugins.RecordingEnv{Skipped: skipped}
	if s := c.onlySource(format.Name); s != nil {
		from, env.Source = s.Input(), s.Source
	}
	env.Identities = c.Engine.TaggedIdentities(from.Tags)
	env.Emit = func(e *engine.Event) error { return take(from, e) }
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

// replayFile sends the events of a recording, in a test.
func (t *tester) replayFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read recording: %w", err)
	}
	defer file.Close()
	c := t.config
	events, bad := 0, 0
	err = c.Replay(file, func(from engine.InputOptions, e *engine.Event) error {
		if e.Has&engine.HasTime != 0 {
			if events == 0 {
				c.Engine.StartAt(e.Time)
			}
			if err := t.moveTo(e.Time); err != nil {
				return err
			}
		}
		events++
		c.Engine.IngestAs(&from, e)
		c.Engine.Flush()
		return nil
	}, func(err error) {
		bad++
		c.logger.Warn("recording", "file", path, "err", err)
	})
	if err == nil && events == 0 && bad > 0 {
		err = fmt.Errorf("none of its %d entries makes an event", bad)
	}
	if err != nil {
		return fmt.Errorf("cannot replay %q: %w", path, err)
	}
	return nil
}
