package kafka

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
)

// keyFields returns the fields that make the key of a record, joined by blanks.
func keyFields(names []string) ([]engine.Field, error) {
	var fields []engine.Field
	for i, name := range names {
		switch {
		case name == "":
			return nil, errors.New(`option "key": a name is empty`)
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf(`option "key": %q stands there twice`, name)
		case slices.Contains([]string{"metric", "time", "ttl"}, name):
			return nil, fmt.Errorf(`option "key": a key cannot be made of %q, which is a number`, name)
		}
		fields = append(fields, engine.FieldNamed(name))
	}
	return fields, nil
}

// encoder makes records of events. The bytes of all records of a batch stand in
// one buffer, so that a batch costs a few allocations only.
type encoder struct {
	topic   string
	key     []engine.Field
	buf     []byte
	ends    []int // in buf: of the key and of the value, record by record
	records []kgo.Record
}

// encode makes the records of events. They are good until the next call.
func (c *encoder) encode(events []engine.Event) {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	for i := range events {
		c.buf = c.appendKey(c.buf, &events[i])
		c.ends = append(c.ends, len(c.buf))
		c.buf = engine.AppendJSON(c.buf, &events[i])
		c.ends = append(c.ends, len(c.buf))
	}
	c.records = slices.Grow(c.records[:0], len(events))[:len(events)]
	from := 0
	for i := range events {
		key, value := c.ends[2*i], c.ends[2*i+1]
		r := kgo.Record{Topic: c.topic, Value: c.buf[key:value:value], Timestamp: timestamp(&events[i])}
		if key > from {
			r.Key = c.buf[from:key:key]
		}
		c.records[i], from = r, value
	}
}

// appendKey appends the key of an event. It is empty when the event has none of
// the fields: then any partition will do.
func (c *encoder) appendKey(dst []byte, e *engine.Event) []byte {
	start := len(dst)
	for i, field := range c.key {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, field.Of(e).Str...)
	}
	if len(dst)-start < len(c.key) { // blanks only
		return dst[:start]
	}
	return dst
}

// timestamp is the event's time, or when it came in if it has none.
func timestamp(e *engine.Event) time.Time {
	t := e.Time
	if e.Has&engine.HasTime == 0 {
		t = e.Arrival
	}
	return t.Wall()
}
