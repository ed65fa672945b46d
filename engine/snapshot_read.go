package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// SnapshotReader reads a snapshot, or one piece of it. After the first error
// every method returns zeros, so a caller need look at Err only before it uses
// what it has read. It is used on the engine's goroutine.
type SnapshotReader struct {
	source *snapshotSource
	data   []byte
	err    error
}

// snapshotSource is what all pieces of one snapshot share.
type snapshotSource struct {
	ids      *Identities
	parts    []Parts
	made     []*Identity // of parts, when first asked for
	sections map[string][]byte
	skipped  int
}

var errSnapshotShort = errors.New("a snapshot's piece ends too early")

// NewSnapshotReader checks a whole snapshot and returns its reader. Identities
// are made in ids, the table of the engine that it is loaded into. The error is
// ErrNewerSnapshot when a later version of the program wrote it.
func NewSnapshotReader(data []byte, ids *Identities) (*SnapshotReader, error) {
	body, err := checkSnapshot(data)
	if err != nil {
		return nil, err
	}
	r := &SnapshotReader{source: &snapshotSource{ids: ids, sections: make(map[string][]byte)}, data: body}
	for range r.Len() {
		r.source.parts = append(r.source.parts, r.parts())
		if r.err != nil {
			break
		}
	}
	r.source.made = make([]*Identity, len(r.source.parts))
	for len(r.data) > 0 && r.err == nil {
		name := r.Text()
		r.source.sections[name] = r.take(r.Len())
	}
	if r.err != nil {
		return nil, fmt.Errorf("cannot read a snapshot: %w", r.err)
	}
	return r, nil
}

// Section returns the reader of the part of that name; ok is false when there
// is none.
func (r *SnapshotReader) Section(name string) (section *SnapshotReader, ok bool) {
	data, ok := r.source.sections[name]
	return &SnapshotReader{source: r.source, data: data}, ok
}

// Piece returns the reader of a piece and goes on behind it.
func (r *SnapshotReader) Piece() *SnapshotReader {
	return &SnapshotReader{source: r.source, data: r.take(r.Len()), err: r.err}
}

// Skip counts a piece that could not be used.
func (r *SnapshotReader) Skip() { r.source.skipped++ }

// Skipped returns how many pieces could not be used: operators that the rules
// do not have any more, and what could not be read.
func (r *SnapshotReader) Skipped() int { return r.source.skipped }

// Err returns the first error.
func (r *SnapshotReader) Err() error { return r.err }

// End returns the first error; bytes that nobody has read are one.
func (r *SnapshotReader) End() error {
	if r.err == nil && len(r.data) > 0 {
		r.err = errors.New("a snapshot's piece is longer than expected")
	}
	return r.err
}

// Fail has the reader fail, because what was read cannot be.
func (r *SnapshotReader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.data = nil
	}
}

func (r *SnapshotReader) take(n int) []byte {
	if r.err == nil && n > len(r.data) {
		r.err, r.data = errSnapshotShort, nil
	}
	if r.err != nil {
		return nil
	}
	out := r.data[:n]
	r.data = r.data[n:]
	return out
}

// advance goes on behind n bytes that a varint took; n <= 0 says that it was
// none.
func (r *SnapshotReader) advance(n int) bool {
	if n <= 0 || r.err != nil {
		if r.err == nil {
			r.err, r.data = errSnapshotShort, nil
		}
		return false
	}
	r.data = r.data[n:]
	return true
}

// Uvarint reads a number.
func (r *SnapshotReader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if !r.advance(n) {
		return 0
	}
	return v
}

// Varint reads a number that may be negative.
func (r *SnapshotReader) Varint() int64 {
	v, n := binary.Varint(r.data)
	if !r.advance(n) {
		return 0
	}
	return v
}

// Int reads a number from 0 to limit.
func (r *SnapshotReader) Int(limit int) int {
	v := r.Uvarint()
	if v > uint64(limit) {
		r.Fail("a snapshot's number is above %d", limit)
		return 0
	}
	return int(v)
}

// Len reads how many things follow. Each takes at least one byte, so it is
// never more than there is room for.
func (r *SnapshotReader) Len() int { return r.Int(len(r.data)) }

// Byte reads one byte.
func (r *SnapshotReader) Byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a truth value.
func (r *SnapshotReader) Bool() bool { return r.Byte() != 0 }

// Float reads a number.
func (r *SnapshotReader) Float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// Text reads a string.
func (r *SnapshotReader) Text() string { return string(r.take(r.Len())) }

// Time reads an instant.
func (r *SnapshotReader) Time() Time { return Time(r.Varint()) }

// Duration reads a length of time.
func (r *SnapshotReader) Duration() time.Duration { return time.Duration(r.Varint()) }

// Value reads a value.
func (r *SnapshotReader) Value() Value {
	v := Value{Kind: Kind(r.Byte())}
	switch v.Kind {
	case Absent:
	case Bool, Number:
		v.Num = r.Float()
	case Text:
		v.Str = r.Text()
	default:
		r.Fail("a snapshot has a value of the unknown kind %d", v.Kind)
		return Value{}
	}
	return v
}

func (r *SnapshotReader) parts() Parts {
	p := Parts{Has: Fields(r.Byte()) & (HasHost | HasService)}
	p.Host, p.Service = r.Text(), r.Text()
	for range r.Len() {
		p.Tags = append(p.Tags, r.Text())
	}
	for range r.Len() {
		p.Attrs = append(p.Attrs, Attr{r.Text(), r.Text()})
	}
	return p
}

// Identity reads an identity, which may be nil.
func (r *SnapshotReader) Identity() *Identity {
	n := r.Int(len(r.source.parts))
	if n == 0 {
		return nil
	}
	id := r.source.made[n-1]
	if id == nil {
		id = r.source.ids.Loose(r.source.parts[n-1])
		r.source.made[n-1] = id
	}
	return id
}

// SomeIdentity reads an identity, which must not be nil.
func (r *SnapshotReader) SomeIdentity() *Identity {
	id := r.Identity()
	if id == nil {
		r.Fail("a snapshot lacks an identity")
	}
	return id
}

// Event reads an event; one without ID stands for none.
func (r *SnapshotReader) Event() Event {
	e := Event{ID: r.Identity()}
	if e.ID == nil {
		return e
	}
	e.Has = Fields(r.Byte()) &^ (HasHost | HasService)
	e.Depth = r.Byte()
	e.Arrival = r.Time()
	if e.Has&HasState != 0 {
		e.State = r.Text()
	}
	if e.Has&HasDescription != 0 {
		e.Description = r.Text()
	}
	if e.Has&HasTime != 0 {
		e.Time = r.Time()
	}
	if e.Has&HasMetric != 0 {
		e.Metric = r.Float()
	}
	if e.Has&HasTTL != 0 {
		e.TTL = r.Duration()
	}
	return e
}

// SomeEvent reads an event, which must have an ID.
func (r *SnapshotReader) SomeEvent() Event {
	e := r.Event()
	if e.ID == nil {
		r.Fail("a snapshot lacks an event")
	}
	return e
}

// Events reads a list of events that all have an ID.
func (r *SnapshotReader) Events() []Event {
	var events []Event
	for range r.Len() {
		e := r.SomeEvent()
		if r.err != nil {
			return nil
		}
		events = append(events, e)
	}
	return events
}

// Timer reads a timer that is not set, and sets it in the wheel if it was.
func (r *SnapshotReader) Timer(t *Timer, wheel *Wheel) {
	set, due, seq := r.Bool(), r.Time(), r.Uvarint()
	if r.err != nil {
		return
	}
	wheel.Cancel(t)
	t.due, t.seq = due, seq
	if set {
		wheel.SetAs(t, due, seq)
	}
}
