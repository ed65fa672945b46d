// Package file appends events to a file, one JSON object a line.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"tocsin/engine"
	"tocsin/plugins"
)

// Options are what a rules file can set.
type Options struct {
	// Path is the file; a relative one starts at the folder of the rules file.
	Path string `opt:"path,required"`
	// Format is "json".
	Format string `opt:"format"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options { return Options{Format: "json"} }

func init() {
	plugins.RegisterSink("file", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.file.
type Sink struct {
	path string
	file *os.File
	// regular tells that the file can be cut back. A pipe cannot.
	regular bool
	// broken tells that the file may end within a line.
	broken bool
	buf    []byte
}

var (
	_ engine.Forwarder = (*Sink)(nil)
	_ engine.Reopener  = (*Sink)(nil)
)

// New checks the options and makes a sink. It opens nothing.
func New(env plugins.Env, o Options) (*Sink, error) {
	if o.Path == "" {
		return nil, errors.New(`option "path" is empty`)
	}
	if o.Format != "json" {
		return nil, fmt.Errorf(`option "format": %q is not known; there is "json"`, o.Format)
	}
	if !filepath.IsAbs(o.Path) {
		o.Path = filepath.Join(env.Dir, o.Path)
	}
	return &Sink{path: o.Path}, nil
}

// Open opens the file, and makes it if it is not there. A file that cannot be
// opened stops the start: its path is likely wrong.
func (s *Sink) Open(context.Context) error {
	// Without O_NONBLOCK, a named pipe that nobody reads would hold up the start.
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return fmt.Errorf("cannot open file of events: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return fmt.Errorf("cannot examine file of events: %w", err)
	}
	s.file, s.regular = f, info.Mode().IsRegular()
	s.broken = s.regular && endsWithinLine(s.path, info.Size())
	return nil
}

// endsWithinLine reports whether the file ends without a line end, as after a
// crash. A file that cannot be read is taken as whole.
func endsWithinLine(path string, size int64) bool {
	f, err := os.Open(path)
	if err != nil || size == 0 {
		return false
	}
	defer f.Close()
	var last [1]byte
	_, err = f.ReadAt(last[:], size-1)
	return err == nil && last[0] != '\n'
}

// Reopen opens the path anew, as after the file was moved away. If that fails,
// the old file goes on.
func (s *Sink) Reopen() error {
	old := s.file
	if err := s.Open(context.Background()); err != nil {
		return err
	}
	return old.Close()
}

// Close closes the file.
func (s *Sink) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Forward appends a line for each event: all of them, or on an error none.
func (s *Sink) Forward(_ context.Context, events []engine.Event) error {
	s.buf = s.buf[:0]
	if s.broken {
		s.buf = append(s.buf, '\n')
	}
	for i := range events {
		s.buf = append(engine.AppendJSON(s.buf, &events[i]), '\n')
	}
	n, err := s.file.Write(s.buf)
	if err != nil {
		s.undo(n)
		return fmt.Errorf("cannot write to file of events: %w", err)
	}
	s.broken = false
	return nil
}

// undo cuts off what a failed write left, since the whole batch comes again.
// Where it cannot, the next write begins on a new line.
func (s *Sink) undo(written int) {
	if written == 0 {
		return
	}
	if s.regular {
		end, err := s.file.Seek(0, io.SeekEnd)
		if err == nil && s.file.Truncate(end-int64(written)) == nil {
			return
		}
	}
	s.broken = s.buf[written-1] != '\n'
}
