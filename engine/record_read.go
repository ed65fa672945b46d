package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// RecordReader reads a record, or one piece of it. After the first error every
// method returns zeros, so a caller need look at Err only before it uses what
// it has read. Engine's goroutine only.
type RecordReader struct {
	loading *Loading
	data    []byte
	ids     []*Identity // that the piece has spelled out
	err     error
}

var errRecordShort = errors.New("a record ends too early")

// Piece returns the reader of a piece and goes on behind it.
func (r *RecordReader) Piece() *RecordReader {
	return &RecordReader{loading: r.loading, data: r.take(r.Len()), err: r.err}
}

// Skip counts a piece that could not be used.
func (r *RecordReader) Skip() { r.loading.Skip() }

// Err returns the first error.
func (r *RecordReader) Err() error { return r.err }

// End returns the first error; bytes that nobody has read are one.
func (r *RecordReader) End() error {
	if r.err == nil && len(r.data) > 0 {
		r.err = errors.New("a record is longer than expected")
	}
	return r.err
}

// Fail has the reader fail, because what was read cannot be.
func (r *RecordReader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.data = nil
	}
}

func (r *RecordReader) take(n int) []byte {
	if r.err == nil && n > len(r.data) {
		r.err, r.data = errRecordShort, nil
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
func (r *RecordReader) advance(n int) bool {
	if n <= 0 || r.err != nil {
		if r.err == nil {
			r.err, r.data = errRecordShort, nil
		}
		return false
	}
	r.data = r.data[n:]
	return true
}

// Uvarint reads a number.
func (r *RecordReader) Uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if !r.advance(n) {
		return 0
	}
	return v
}

// Varint reads a number that may be negative.
func (r *RecordReader) Varint() int64 {
	v, n := binary.Varint(r.data)
	if !r.advance(n) {
		return 0
	}
	return v
}

// Int reads a number from 0 to limit.
func (r *RecordReader) Int(limit int) int {
	v := r.Uvarint()
	if v > uint64(limit) {
		r.Fail("a record's number is above %d", limit)
		return 0
	}
	return int(v)
}

// Len reads how many things follow. Each takes at least one byte, so it is
// never more than there is room for.
func (r *RecordReader) Len() int { return r.Int(len(r.data)) }

// Byte reads one byte.
func (r *RecordReader) Byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a truth value.
func (r *RecordReader) Bool() bool { return r.Byte() != 0 }

// Float reads a number.
func (r *RecordReader) Float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// Text reads a string.
func (r *RecordReader) Text() string { return string(r.take(r.Len())) }

// Time reads an instant.
func (r *RecordReader) Time() Time { return Time(r.Varint()) }

// Duration reads a length of time.
func (r *RecordReader) Duration() time.Duration { return time.Duration(r.Varint()) }

// Value reads a value.
func (r *RecordReader) Value() Value {
	v := Value{Kind: Kind(r.Byte())}
	switch v.Kind {
	case Absent:
	case Bool, Number:
		v.Num = r.Float()
	case Text:
		v.Str = r.Text()
	default:
		r.Fail("a record has a value of the unknown kind %d", v.Kind)
		return Value{}
	}
	return v
}

func (r *RecordReader) parts() Parts {
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
func (r *RecordReader) Identity() *Identity {
	switch n := r.Int(len(r.ids) + 1); n {
	case 0:
		return nil
	case 1:
		p := r.parts()
		if r.err != nil {
			return nil
		}
		id := r.loading.ids.Loose(p)
		r.ids = append(r.ids, id)
		return id
	default:
		return r.ids[n-2]
	}
}

// SomeIdentity reads an identity, which must not be nil.
func (r *RecordReader) SomeIdentity() *Identity {
	id := r.Identity()
	if id == nil {
		r.Fail("a record lacks an identity")
	}
	return id
}

// Event reads an event; one without ID stands for none.
func (r *RecordReader) Event() Event {
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
func (r *RecordReader) SomeEvent() Event {
	e := r.Event()
	if e.ID == nil {
		r.Fail("a record lacks an event")
	}
	return e
}

// Events reads a list of events that all have an ID.
func (r *RecordReader) Events() []Event {
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
func (r *RecordReader) Timer(t *Timer, wheel *Wheel) {
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
