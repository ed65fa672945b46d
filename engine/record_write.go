package engine

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// RecordWriter writes records. What is written is read back by the methods of
// RecordReader of the same names, in the same order. Engine's goroutine only.
type RecordWriter struct {
	buf []byte
	// ids are the identities that the piece in hand has spelled out, from base
	// on; numbers has the numbers of those when they are many.
	ids     []*Identity
	base    int
	numbers map[*Identity]int
	engine  *Engine
}

// forget begins a record.
func (w *RecordWriter) forget() {
	clear(w.ids)
	w.ids, w.base = w.ids[:0], 0
	clear(w.numbers)
}

// Piece writes what write writes, behind its length: who cannot read it can
// skip it.
func (w *RecordWriter) Piece(write func()) {
	start, base, numbers := len(w.buf), w.base, w.numbers
	w.base, w.numbers = len(w.ids), nil
	write()
	clear(w.ids[w.base:])
	w.ids = w.ids[:w.base]
	w.base, w.numbers = base, numbers
	n := len(w.buf) - start
	w.Uvarint(uint64(n))
	width := len(w.buf) - start - n
	var length [binary.MaxVarintLen64]byte
	copy(length[:], w.buf[start+n:])
	copy(w.buf[start+width:], w.buf[start:start+n])
	copy(w.buf[start:], length[:width])
}

// Uvarint writes a number.
func (w *RecordWriter) Uvarint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

// Varint writes a number that may be negative.
func (w *RecordWriter) Varint(n int64) { w.buf = binary.AppendVarint(w.buf, n) }

// Int writes a number from 0 on.
func (w *RecordWriter) Int(n int) { w.Uvarint(uint64(n)) }

// Bool writes a truth value.
func (w *RecordWriter) Bool(b bool) {
	if b {
		w.Byte(1)
	} else {
		w.Byte(0)
	}
}

// Byte writes one byte.
func (w *RecordWriter) Byte(b byte) { w.buf = append(w.buf, b) }

// Float writes a number bit by bit, so that a NaN stays the same.
func (w *RecordWriter) Float(f float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}

// Text writes a string.
func (w *RecordWriter) Text(s string) { w.buf = appendText(w.buf, s) }

// Time writes an instant.
func (w *RecordWriter) Time(t Time) { w.Varint(int64(t)) }

// Duration writes a length of time.
func (w *RecordWriter) Duration(d time.Duration) { w.Varint(int64(d)) }

// Value writes a value.
func (w *RecordWriter) Value(v Value) {
	w.Byte(byte(v.Kind))
	switch v.Kind {
	case Bool, Number:
		w.Float(v.Num)
	case Text:
		w.Text(v.Str)
	}
}

// fewIdentities is how many are looked for one by one.
const fewIdentities = 16

// Identity writes an identity, which may be nil. Each is spelled out once in a
// piece.
func (w *RecordWriter) Identity(id *Identity) {
	if id == nil {
		w.Byte(0)
		return
	}
	n, found := w.number(id)
	if found {
		w.Uvarint(uint64(n) + 2)
		return
	}
	w.Byte(1)
	w.buf = appendIdentity(w.buf, id)
	w.ids = append(w.ids, id)
	if n > fewIdentities {
		w.numbers[id] = n
	}
}

// number returns the number of an identity in the piece in hand, or the one
// that it will get.
func (w *RecordWriter) number(id *Identity) (n int, found bool) {
	ids := w.ids[w.base:]
	if len(ids) <= fewIdentities {
		n = slices.Index(ids, id)
		if n < 0 {
			return len(ids), false
		}
		return n, true
	}
	if w.numbers == nil {
		w.numbers = make(map[*Identity]int)
	}
	if len(w.numbers) == 0 {
		for i, known := range ids {
			w.numbers[known] = i
		}
	}
	if n, found = w.numbers[id]; !found {
		n = len(ids)
	}
	return n, found
}

func appendIdentity(buf []byte, id *Identity) []byte {
	buf = append(buf, byte(id.Has&(HasHost|HasService)))
	buf = appendText(appendText(buf, id.Host), id.Service)
	buf = binary.AppendUvarint(buf, uint64(len(id.Labels.Tags)))
	for _, tag := range id.Labels.Tags {
		buf = appendText(buf, tag)
	}
	buf = binary.AppendUvarint(buf, uint64(len(id.Labels.Attrs)))
	for _, a := range id.Labels.Attrs {
		buf = appendText(appendText(buf, a.Key), a.Value)
	}
	return buf
}

func appendText(buf []byte, s string) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// Event writes an event; one without ID stands for none.
func (w *RecordWriter) Event(e *Event) {
	w.Identity(e.ID)
	if e.ID == nil {
		return
	}
	w.Byte(byte(e.Has))
	w.Byte(e.Depth)
	w.Time(e.Arrival)
	if e.Has&HasState != 0 {
		w.Text(e.State)
	}
	if e.Has&HasDescription != 0 {
		w.Text(e.Description)
	}
	if e.Has&HasTime != 0 {
		w.Time(e.Time)
	}
	if e.Has&HasMetric != 0 {
		w.Float(e.Metric)
	}
	if e.Has&HasTTL != 0 {
		w.Duration(e.TTL)
	}
}

// Events writes a list of events.
func (w *RecordWriter) Events(events []Event) {
	w.Int(len(events))
	for i := range events {
		w.Event(&events[i])
	}
}

// Timer writes when a timer is due, its place among those due at one instant,
// and whether it is set.
func (w *RecordWriter) Timer(t *Timer) {
	w.Bool(t.IsSet() || w.engine != nil && w.engine.firing == t)
	w.Time(t.due)
	w.Uvarint(t.seq)
}
