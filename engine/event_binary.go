package engine

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"
)

// An event in binary form:
//
//	identity     its length, then as appendIdentity writes it
//	fields       one byte: those of Has that are there
//	state        text
//	description  text
//	time         nanoseconds since the base
//	metric       8 bytes, little-endian
//	ttl          nanoseconds
//
// A field that is absent is left out. Numbers are varints, a text is its length
// and its bytes. The base is an instant that writer and reader agree on.

// optional are the fields that the binary form has beside the identity.
const optional = HasState | HasDescription | HasTime | HasMetric | HasTTL

// AppendEvent appends e in binary form to buf. What the engine gives an event,
// Arrival and Depth, is left out. It may be called on any goroutine.
func AppendEvent(buf []byte, e *Event, base Time) []byte {
	start := len(buf)
	buf = appendIdentity(append(buf, 0), e.ID)
	var length [binary.MaxVarintLen64]byte
	width := binary.PutUvarint(length[:], uint64(len(buf)-start-1))
	buf = slices.Replace(buf, start, start+1, length[:width]...)

	buf = append(buf, byte(e.Has&optional))
	if e.Has&HasState != 0 {
		buf = appendText(buf, e.State)
	}
	if e.Has&HasDescription != 0 {
		buf = appendText(buf, e.Description)
	}
	if e.Has&HasTime != 0 {
		buf = binary.AppendVarint(buf, int64(e.Time-base))
	}
	if e.Has&HasMetric != 0 {
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(e.Metric))
	}
	if e.Has&HasTTL != 0 {
		buf = binary.AppendVarint(buf, int64(e.TTL))
	}
	return buf
}

// EventDecoder reads events in binary form and gives them their identities. An
// event of an identity that it has seen before allocates nothing but the
// description. It belongs to one goroutine.
type EventDecoder struct {
	ids    *Identities
	names  *Names
	states stateNames
}

// NewEventDecoder returns a decoder that makes the events' identities in ids.
func NewEventDecoder(ids *Identities) *EventDecoder {
	return &EventDecoder{ids: ids, names: NewNames(), states: make(stateNames)}
}

var errNoEvent = errors.New("cannot read event: its binary form is damaged")

// Decode reads the event at the beginning of data into e, and returns what is
// behind it. It does not keep data. When there are too many identities, the
// event has one of its own, so that the engine can tell of it.
func (d *EventDecoder) Decode(data []byte, base Time, e *Event) (rest []byte, err error) {
	c := cursor{data: data}
	name := c.text()
	has := Fields(c.byte())
	if c.short || has&^optional != 0 {
		return nil, errNoEvent
	}
	*e = Event{Has: has}
	if has&HasState != 0 {
		e.State = d.states.get(c.text())
	}
	if has&HasDescription != 0 {
		e.Description = string(c.text())
	}
	if has&HasTime != 0 {
		e.Time = base + Time(c.varint())
	}
	if has&HasMetric != 0 {
		if b := c.take(8); b != nil {
			e.Metric = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	if has&HasTTL != 0 {
		e.TTL = time.Duration(c.varint())
	}
	if c.short {
		return nil, errNoEvent
	}
	if e.ID = d.names.Lookup(name); e.ID == nil {
		e.ID, err = d.identity(name)
	}
	return c.data, err
}

// identity makes the identity of a name that is new.
func (d *EventDecoder) identity(name []byte) (*Identity, error) {
	c := cursor{data: name}
	p := Parts{Has: Fields(c.byte())}
	p.Host, p.Service = string(c.text()), string(c.text())
	for n := c.uvarint(); n > 0 && !c.short; n-- {
		p.Tags = append(p.Tags, string(c.text()))
	}
	for n := c.uvarint(); n > 0 && !c.short; n-- {
		p.Attrs = append(p.Attrs, Attr{string(c.text()), string(c.text())})
	}
	unnamed := p.Has&HasHost == 0 && p.Host != "" || p.Has&HasService == 0 && p.Service != ""
	if c.short || len(c.data) > 0 || p.Has&^(HasHost|HasService) != 0 || unnamed {
		return nil, errNoEvent
	}
	id, err := d.ids.Intern(p)
	if err != nil {
		return d.ids.Loose(p), nil
	}
	d.names.Add(string(name), id)
	return id, nil
}

// cursor reads binary data. When there is too little, short is set, and what it
// returns means nothing.
type cursor struct {
	data  []byte
	short bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.data)) {
		c.data, c.short = nil, true
		return nil
	}
	out := c.data[:n]
	c.data = c.data[n:]
	return out
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) text() []byte { return c.take(c.uvarint()) }

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.data)
	c.pass(n)
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.data)
	c.pass(n)
	return v
}

// pass goes on behind a varint of n bytes; n <= 0 says that there is none.
func (c *cursor) pass(n int) {
	if n <= 0 {
		c.data, c.short = nil, true
		return
	}
	c.data = c.data[n:]
}
