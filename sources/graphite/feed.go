package graphite

import (
	"bytes"
	"errors"
	"net/netip"

	"tocsin/engine"
	"tocsin/plugins/carbon"
)

// feed turns what one connection sends into events. It belongs to one
// goroutine. Bytes go through lines or add; then flush hands over the rest.
type feed struct {
	*decoder
	in     engine.Input
	send   func(*engine.Batch) error
	sender netip.AddrPort // for the log

	batch    *engine.Batch // nil while there are no events
	skipping bool          // within a line that is too long
	chunk    carbon.Chunk
}

// lines takes all the whole lines of data, and returns how many bytes it has
// used. data may be overwritten after that. The error is that of send.
func (f *feed) lines(data []byte) (used int, err error) {
	for {
		if !f.skipping {
			if n := f.chunk.Next().ParsePlain(data[used:]); n > 0 {
				used += n
				if err := f.parsed(); err != nil {
					return used, err
				}
				continue
			}
		}
		end := bytes.IndexByte(data[used:], '\n')
		if end < 0 {
			return used, f.resolve()
		}
		line := data[used : used+end]
		used += end + 1
		if f.skipping {
			f.skipping = false
			continue
		}
		if err := f.line(line); err != nil {
			return used, err
		}
	}
}

// line takes one line without its LF.
func (f *feed) line(line []byte) error {
	if len(line) > carbon.MaxLine {
		f.bad(line, carbon.ErrOversized)
		return nil
	}
	if err := f.chunk.Next().Parse(line); err != nil {
		f.bad(line, err)
		return nil
	}
	return f.parsed()
}

// partial looks at a line that has not ended yet, and returns how many of its
// bytes are not wanted: all of them, if it is too long already.
func (f *feed) partial(line []byte) (used int) {
	switch {
	case f.skipping:
		return len(line)
	case len(line) <= carbon.MaxLine:
		return 0
	}
	f.bad(line, carbon.ErrOversized)
	f.skipping = true
	return len(line)
}

// add takes one point, whose name must stay valid until resolve or flush.
func (f *feed) add(p carbon.Point) error {
	*f.chunk.Next() = p
	return f.parsed()
}

// parsed keeps the point at hand.
func (f *feed) parsed() error {
	if !f.chunk.Keep() {
		return nil
	}
	return f.resolve()
}

// resolve turns the parsed points into events.
func (f *feed) resolve() error {
	defer f.chunk.Reset()
	f.chunk.Identify(f.names, f.intern)
	for i, id := range f.chunk.Identities() {
		if id == nil {
			continue
		}
		if f.batch == nil {
			f.batch = f.in.Batch()
		}
		f.chunk.Set(f.batch.Add(id), i)
		if f.batch.Full() {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush sends what resolve has made.
func (f *feed) flush() error {
	if f.batch == nil {
		return nil
	}
	batch := f.batch
	f.batch = nil
	return f.send(batch)
}

// intern makes the identity of a name that is new. It returns nil when there
// can be none.
func (f *feed) intern(raw []byte) *engine.Identity {
	name := string(raw)
	id, err := f.naming.Intern(name, f.in.Identities())
	if err != nil {
		f.bad(raw, err)
		return nil
	}
	f.names.Add(name, id)
	return id
}

// bad counts and logs input that makes no event.
func (f *feed) bad(input []byte, reason error) {
	switch {
	case reason == carbon.ErrBlank:
		return
	case reason == carbon.ErrNaN:
		f.counters.nan.Inc()
		return
	case reason == carbon.ErrOversized:
		f.counters.oversized.Inc()
	case errors.Is(reason, engine.ErrTooManyIdentities):
		f.counters.rejected.Inc()
	default:
		f.counters.bad.Inc()
	}
	f.log.warn("bad input", f.sender, input, reason)
}
