package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tocsin/engine"
)

// recordingWriter writes events as JSON lines into a file beside the one that is
// wanted, which keep puts in its place.
type recordingWriter struct {
	path   string
	force  bool
	file   *os.File
	packer io.WriteCloser // nil: none
	out    *bufio.Writer
	line   []byte

	events      int
	timed       bool // there are first and last
	first, last engine.Time
}

func createRecording(path string, force bool) (*recordingWriter, error) {
	w := &recordingWriter{path: path, force: force}
	if err := w.free(); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("cannot write recording: %w", err)
	}
	w.file = file
	switch {
	case strings.HasSuffix(path, ".gz"):
		w.packer = gzip.NewWriter(file)
	case strings.HasSuffix(path, ".zst"):
		// One goroutine gives the same bytes each time.
		if w.packer, err = zstd.NewWriter(file, zstd.WithEncoderConcurrency(1)); err != nil {
			w.discard()
			return nil, fmt.Errorf("cannot write recording: %w", err)
		}
	}
	to := io.Writer(file)
	if w.packer != nil {
		to = w.packer
	}
	w.out = bufio.NewWriterSize(to, 64<<10)
	return w, nil
}

// free fails when there is something that must not be overwritten.
func (w *recordingWriter) free() error {
	if _, err := os.Lstat(w.path); err == nil && !w.force {
		return fmt.Errorf("cannot write recording: %q exists; --force overwrites it", w.path)
	}
	return nil
}

// write is for rules.Replay.
func (w *recordingWriter) write(e *engine.Event) error {
	w.events++
	if e.HasAll(engine.HasTime) {
		if !w.timed {
			w.first, w.timed = e.Time, true
		}
		w.last = e.Time
	}
	w.line = append(engine.AppendJSON(w.line[:0], e), '\n')
	_, err := w.out.Write(w.line)
	return err
}

// between says from when to when the events are.
func (w *recordingWriter) between() string {
	if !w.timed {
		return ""
	}
	const layout = "2006-01-02T15:04:05.000Z"
	return fmt.Sprintf(", %s to %s", w.first.Wall().Format(layout), w.last.Wall().Format(layout))
}

// keep puts the file in its place.
func (w *recordingWriter) keep() error {
	err := w.out.Flush()
	if w.packer != nil {
		err = errors.Join(err, w.packer.Close())
	}
	err = errors.Join(err, w.file.Chmod(0o644), w.file.Close())
	if err == nil {
		err = w.free()
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.path)
	}
	if err != nil {
		return fmt.Errorf("cannot write recording: %w", err)
	}
	return nil
}

// discard removes what keep has not put in its place.
func (w *recordingWriter) discard() {
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}
