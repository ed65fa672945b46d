// Package log writes events to the program's log: readable lines on a
// terminal, JSON lines otherwise.
package log

import (
	"context"
	"fmt"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/terminal"
)

// Options are what a rules file can set.
type Options struct {
	// Format is "auto", "text" or "json". Auto is text on a terminal.
	Format string `opt:"format"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options { return Options{Format: "auto"} }

func init() {
	plugins.RegisterSink("log", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.log.
type Sink struct {
	screen *terminal.Screen
	text   bool
	buf    []byte
}

var _ engine.Forwarder = (*Sink)(nil)

// New checks the options and makes a sink that writes to env's screen, which
// is the standard error's, like the rest of the log.
func New(env plugins.Env, o Options) (*Sink, error) {
	s := &Sink{screen: env.Screen()}
	switch o.Format {
	case "auto":
		s.text = s.screen.IsTerminal()
	case "text":
		s.text = true
	case "json":
	default:
		return nil, fmt.Errorf(`option "format": %q is not known; there are "auto", "json" and "text"`, o.Format)
	}
	return s, nil
}

// Open does nothing.
func (s *Sink) Open(context.Context) error { return nil }

// Close does nothing: the screen is not the sink's own.
func (s *Sink) Close() error { return nil }

// Forward writes a line for each event, all in one write.
func (s *Sink) Forward(_ context.Context, events []engine.Event) error {
	s.buf = s.buf[:0]
	for i := range events {
		if s.text {
			s.buf = appendLine(s.buf, &events[i], s.screen.Colors())
		} else {
			s.buf = append(engine.AppendJSON(s.buf, &events[i]), '\n')
		}
	}
	if _, err := s.screen.Write(s.buf); err != nil {
		return fmt.Errorf("cannot write to the log: %w", err)
	}
	return nil
}
