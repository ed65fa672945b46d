package graphite

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"tocsin/engine"
	"tocsin/plugins/carbon"
)

// Reader reads the events of recorded plaintext lines, for replay and tests. It
// belongs to one goroutine.
type Reader struct {
	in     *bufio.Reader
	naming *carbon.Naming
	ids    *engine.Identities
	names  *engine.Names
	line   int
}

// LineError says which line of a recording makes no event, and why.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// NewReader returns a Reader of r. Names mean what naming says, and their
// identities are made in ids.
func NewReader(r io.Reader, naming *carbon.Naming, ids *engine.Identities) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, carbon.MaxLine+1), naming: naming, ids: ids, names: engine.NewNames()}
}

// Next returns the next event, whose time is absent when the line has none, and
// io.EOF at the end. After a *LineError, which wraps ErrNaN for a gap, reading
// can go on. Any other error is that of the reader below.
//
// The last line needs no line end.
func (r *Reader) Next() (engine.Event, error) {
	for {
		line, err := r.in.ReadSlice('\n')
		r.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.in.ReadSlice('\n')
			}
			return engine.Event{}, &LineError{r.line, carbon.ErrOversized}
		}
		if err != nil && (err != io.EOF || len(line) == 0) {
			return engine.Event{}, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		e, err := r.event(line)
		if err != nil {
			return e, &LineError{r.line, err}
		}
		return e, nil
	}
}

func (r *Reader) event(line []byte) (engine.Event, error) {
	p, err := carbon.ParseLine(line)
	if err != nil {
		return engine.Event{}, err
	}
	return r.eventOf(p)
}

// eventOf makes the event of a point, whose name it does not keep.
func (r *Reader) eventOf(p carbon.Point) (e engine.Event, err error) {
	if e.ID = r.names.Lookup(p.Name); e.ID == nil {
		name := string(p.Name)
		if e.ID, err = r.naming.Intern(name, r.ids); err != nil {
			return e, err
		}
		r.names.Add(name, e.ID)
	}
	e.SetMetric(p.Value)
	if p.HasTime {
		e.SetTime(p.Time)
	}
	return e, nil
}
