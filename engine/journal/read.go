package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"tocsin/engine"
)

// ReadOptions say what Read reads.
type ReadOptions struct {
	// Identities is the table that the events' identities are made in.
	Identities *engine.Identities
	// From is the number of the first batch that is wanted; 0: the first that is
	// there.
	From uint64
	// Since and Until, when not nil, allow to leave out blocks all of whose events
	// are before Since, or at or after Until. Of the latter the first is read.
	Since, Until *engine.Time
	// Bad is told what could not be read; reading goes on with the next segment. A
	// *MissingError tells of batches that are not there.
	Bad func(error)
	// Passed, when not nil, is told how many more bytes were read or left out.
	Passed func(bytes int64)
}

// MissingError says that batches are not in the journal where they should be: the
// disk failed when they were written, or what held them is damaged.
type MissingError struct {
	First, Last uint64
}

func (e *MissingError) Error() string {
	if e.First == e.Last {
		return fmt.Sprintf("batch %d is missing", e.First)
	}
	return fmt.Sprintf("%d batches are missing, from %d to %d", e.Last-e.First+1, e.First, e.Last)
}

// Read reads the batches of a journal in their order. The folder may belong to a
// running program: it is not changed, and a block that is only half written is the
// end. f is called with each batch, which is valid until it returns; reading ends
// at its error. Read runs on the caller's goroutine.
func Read(dir string, o ReadOptions, f func(*engine.Logged) error) error {
	segments, err := listSome(dir)
	if err != nil {
		return err
	}
	return read(segments, o, f)
}

// Size returns how many bytes the segments of a journal have. The error is the one
// that Read would return for a folder that is no journal.
func Size(dir string) (bytes int64, err error) {
	segments, err := listSome(dir)
	for _, s := range segments {
		bytes += s.size
	}
	return bytes, err
}

// reading is a walk through segments.
type reading struct {
	ReadOptions
	f       func(*engine.Logged) error
	decoder *engine.EventDecoder
	batch   engine.Logged
	next    uint64 // number of the next batch; 0: whatever comes
	beyond  bool   // there was a block all of whose events are too late
	batches int    // that were read
}

func read(segments []segment, o ReadOptions, f func(*engine.Logged) error) error {
	r := reading{ReadOptions: o, f: f, next: o.From, decoder: engine.NewEventDecoder(o.Identities)}
	for i, s := range segments {
		last := i+1 == len(segments)
		if !last && segments[i+1].first <= o.From {
			r.passed(s.size)
			continue
		}
		if err := r.segment(s.path, last); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) passed(bytes int64) {
	if r.Passed != nil {
		r.Passed(bytes)
	}
}

// segment reads one segment. A break in it is told to Bad, unless it is where the
// journal is being written.
func (r *reading) segment(path string, last bool) error {
	s, err := openSegment(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errHead) && !last:
		r.Bad(err)
		return nil
	case errors.Is(err, errHead):
		if info, err := os.Stat(path); err == nil && info.Size() < int64(segmentHeadSize) {
			return nil // it is being made
		}
		r.Bad(err)
		return nil
	case err != nil:
		return err
	}
	defer s.close()
	r.passed(s.at)
	batches := r.batches
	err = r.blocks(s)
	broken, ok := errors.AsType[*breakError](err)
	if !ok {
		return err
	}
	rest, err := s.behind()
	if err != nil {
		return err
	}
	r.passed(int64(len(rest.data)))
	if last && (rest.unfinished(broken) || rest.written) {
		return nil // it is being written
	}
	r.Bad(fmt.Errorf("journal segment %q: %w (batches read before: %d; bytes left out: %d)", path, broken, r.batches-batches, len(rest.data)))
	return nil
}

// blocks reads the blocks of a segment to its end.
func (r *reading) blocks(s *segmentReader) error {
	for {
		h, err := s.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		before := s.at
		if r.unwanted(&h) {
			err = s.skip(&h)
			r.next = max(r.next, h.last()+1)
		} else {
			err = r.block(s, &h)
		}
		if err != nil {
			return err
		}
		r.passed(s.at - before)
	}
}

// unwanted reports whether a block can be left out.
func (r *reading) unwanted(h *blockHead) bool {
	switch {
	case h.last() < r.next, r.Since != nil && h.latest < *r.Since:
		return true
	case r.Until != nil && h.earliest >= *r.Until:
		before := r.beyond
		r.beyond = true
		return before
	}
	return false
}

// block hands on the batches of a block.
func (r *reading) block(s *segmentReader, h *blockHead) error {
	at := s.at
	data, err := s.read(h)
	if err != nil {
		return err
	}
	if data, err = h.unpack(data, s.unpacked); err != nil {
		return &breakError{at: at, why: "is damaged"}
	}
	if h.stored != h.unpacked {
		s.unpacked = data
	}
	for position := h.first; position <= h.last(); position++ {
		if data, err = r.decode(data); err != nil {
			return &breakError{at: at, why: "is damaged"}
		}
		r.batch.Position = position
		if err := r.deliver(); err != nil {
			return err
		}
	}
	return nil
}

// decode reads the batch at the beginning of data and returns what is behind it.
func (r *reading) decode(data []byte) (rest []byte, err error) {
	now, n := binary.Varint(data)
	data = data[max(n, 0):]
	downtime, m := binary.Varint(data)
	data = data[max(m, 0):]
	size, k := binary.Uvarint(data)
	data = data[max(k, 0):]
	if min(n, m, k) <= 0 || size > uint64(len(data)) {
		return nil, errPayload
	}
	b := &r.batch
	b.Now, b.Downtime = engine.Time(now), time.Duration(downtime)
	if source := data[:size]; b.Source != string(source) {
		b.Source = string(source)
	}
	data = data[size:]
	count, n := binary.Uvarint(data)
	if n <= 0 || count > uint64(len(data)) {
		return nil, errPayload
	}
	data = data[n:]
	b.Events = b.Events[:0]
	for range count {
		b.Events = append(b.Events, engine.Event{})
		if data, err = r.decoder.Decode(data, b.Now, &b.Events[len(b.Events)-1]); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// deliver hands on the batch at hand, if it is wanted. No number comes twice.
func (r *reading) deliver() error {
	position := r.batch.Position
	if position < r.next {
		return nil
	}
	if r.next != 0 && position > r.next {
		r.Bad(&MissingError{r.next, position - 1})
	}
	r.next = position + 1
	r.batches++
	return r.f(&r.batch)
}
