package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"
)

// A snapshot is the whole state of an engine and of its graph at one instant
// between two events. docs/design.md says how it is laid out.
const (
	snapshotMagic   = "tocsin snapshot\n"
	snapshotVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SnapshotWriter collects a snapshot. Engine.Save and Graph.Save write to it,
// on the engine's goroutine; Bytes returns what they wrote. What is written is
// read back by the methods of SnapshotReader of the same names, in the same
// order.
type SnapshotWriter struct {
	buf   []byte
	table []byte // the identities
	ids   map[*Identity]uint64
}

// NewSnapshotWriter returns a writer that has nothing yet.
func NewSnapshotWriter() *SnapshotWriter { return &SnapshotWriter{ids: make(map[*Identity]uint64)} }

// Bytes returns the snapshot. Nothing may be written after it.
func (w *SnapshotWriter) Bytes() []byte {
	out := append([]byte(snapshotMagic), snapshotVersion)
	out = binary.AppendUvarint(out, uint64(len(w.ids)))
	out = append(out, w.table...)
	out = append(out, w.buf...)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// Section writes a part of the snapshot that is found by its name.
func (w *SnapshotWriter) Section(name string, write func()) {
	w.Text(name)
	w.Piece(write)
}

// Piece writes what write writes, behind its length: who cannot read it can
// skip it.
func (w *SnapshotWriter) Piece(write func()) {
	start := len(w.buf)
	write()
	n := len(w.buf) - start
	w.Uvarint(uint64(n))
	width := len(w.buf) - start - n
	var length [binary.MaxVarintLen64]byte
	copy(length[:], w.buf[start+n:])
	copy(w.buf[start+width:], w.buf[start:start+n])
	copy(w.buf[start:], length[:width])
}

// Uvarint writes a number.
func (w *SnapshotWriter) Uvarint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }

// Varint writes a number that may be negative.
func (w *SnapshotWriter) Varint(n int64) { w.buf = binary.AppendVarint(w.buf, n) }

// Int writes a number from 0 on.
func (w *SnapshotWriter) Int(n int) { w.Uvarint(uint64(n)) }

// Bool writes a truth value.
func (w *SnapshotWriter) Bool(b bool) {
	if b {
		w.Byte(1)
	} else {
		w.Byte(0)
	}
}

// Byte writes one byte.
func (w *SnapshotWriter) Byte(b byte) { w.buf = append(w.buf, b) }

// Float writes a number bit by bit, so that a NaN stays the same.
func (w *SnapshotWriter) Float(f float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(f))
}

// Text writes a string.
func (w *SnapshotWriter) Text(s string) { w.buf = appendText(w.buf, s) }

// Time writes an instant.
func (w *SnapshotWriter) Time(t Time) { w.Varint(int64(t)) }

// Duration writes a length of time.
func (w *SnapshotWriter) Duration(d time.Duration) { w.Varint(int64(d)) }

// Value writes a value.
func (w *SnapshotWriter) Value(v Value) {
	w.Byte(byte(v.Kind))
	switch v.Kind {
	case Bool, Number:
		w.Float(v.Num)
	case Text:
		w.Text(v.Str)
	}
}

// Identity writes an identity, which may be nil. Each is spelled out once.
func (w *SnapshotWriter) Identity(id *Identity) {
	if id == nil {
		w.Uvarint(0)
		return
	}
	n := w.ids[id]
	if n == 0 {
		n = uint64(len(w.ids)) + 1
		w.ids[id] = n
		w.table = appendIdentity(w.table, id)
	}
	w.Uvarint(n)
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
func (w *SnapshotWriter) Event(e *Event) {
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
func (w *SnapshotWriter) Events(events []Event) {
	w.Int(len(events))
	for i := range events {
		w.Event(&events[i])
	}
}

// Timer writes when a timer is due, its place among those due at one instant,
// and whether it is set.
func (w *SnapshotWriter) Timer(t *Timer) {
	w.Bool(t.IsSet())
	w.Time(t.due)
	w.Uvarint(t.seq)
}

// ErrNewerSnapshot says that a snapshot was written by a later version of the
// program, in a way that this one cannot read.
var ErrNewerSnapshot = errors.New("the snapshot is of a newer version of the program")

func checkSnapshot(data []byte) (body []byte, err error) {
	const head = len(snapshotMagic) + 1
	switch {
	case len(data) < head || string(data[:len(snapshotMagic)]) != snapshotMagic:
		return nil, errors.New("cannot read a snapshot: it does not begin as one")
	case data[head-1] > snapshotVersion:
		return nil, fmt.Errorf("cannot read a snapshot of version %d: %w", data[head-1], ErrNewerSnapshot)
	case data[head-1] != snapshotVersion:
		return nil, fmt.Errorf("cannot read a snapshot of version %d", data[head-1])
	}
	end := len(data) - crc32.Size
	if end < head || crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]) {
		return nil, errors.New("cannot read a snapshot: it is damaged or cut short")
	}
	return data[head:end], nil
}
