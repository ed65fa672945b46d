package graphite

import (
	"bytes"
	"errors"
	"net/netip"

	"tocsin/engine"
)

const (
	// maxLine bounds a line. It is what carbon takes (LineReceiver.MAX_LENGTH
	// of Twisted).
	maxLine = 16384
	// chunkSize is how many points are parsed before their names are looked
	// up, so that the lookups wait for memory together.
	chunkSize = 64
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
	n        int
	points   [chunkSize]Point
	hashes   [chunkSize]uint64
	ids      [chunkSize]*engine.Identity
	touched  uint64 // keeps the compiler from leaving out the touching
}

// lines takes all the whole lines of data, and returns how many bytes it has
// used. data may be overwritten after that. The error is that of send.
func (f *feed) lines(data []byte) (used int, err error) {
	for {
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
	if len(line) > maxLine {
		f.bad(line, errOversized)
		return nil
	}
	if err := parseLine(line, &f.points[f.n]); err != nil {
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
	case len(line) <= maxLine:
		return 0
	}
	f.bad(line, errOversized)
	f.skipping = true
	return len(line)
}

// add takes one point, whose name must stay valid until resolve or flush.
func (f *feed) add(p Point) error {
	f.points[f.n] = p
	return f.parsed()
}

// parsed counts points[n] in.
func (f *feed) parsed() error {
	if f.n++; f.n < chunkSize {
		return nil
	}
	return f.resolve()
}

// resolve turns the parsed points into events.
func (f *feed) resolve() error {
	points, hashes, ids := f.points[:f.n], f.hashes[:f.n], f.ids[:f.n]
	f.n = 0
	for i := range points {
		hashes[i] = f.names.Hash(points[i].Name)
	}
	f.touched += f.names.Touch(hashes)
	for i := range points {
		id := f.names.LookupHash(hashes[i], points[i].Name)
		if id == nil {
			id = f.intern(points[i].Name)
		}
		ids[i] = id
	}
	for i, id := range ids {
		if id == nil {
			continue
		}
		if f.batch == nil {
			f.batch = f.in.Batch()
		}
		p, e := &points[i], f.batch.Add(id)
		e.SetMetric(p.Value)
		if p.HasTime {
			e.SetTime(p.Time)
		}
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
	id, err := f.naming.intern(name, f.in.Identities())
	if err != nil {
		f.bad(raw, err)
		return nil
	}
	f.names.Add(name, id)
	return id
}

// intern returns the identity that name means.
func (n *Naming) intern(name string, ids *engine.Identities) (*engine.Identity, error) {
	parts, err := n.Parts(name)
	if err != nil {
		return nil, err
	}
	return ids.Intern(parts)
}

// bad counts and logs input that makes no event.
func (f *feed) bad(input []byte, reason error) {
	switch {
	case reason == errBlank:
		return
	case reason == ErrNaN:
		f.counters.nan.Inc()
		return
	case reason == errOversized:
		f.counters.oversized.Inc()
	case errors.Is(reason, engine.ErrTooManyIdentities):
		f.counters.rejected.Inc()
	default:
		f.counters.bad.Inc()
	}
	f.log.warn("bad input", f.sender, input, reason)
}
