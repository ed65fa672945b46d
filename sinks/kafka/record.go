package kafka

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins/carbon"
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

// values are the formats: each appends the value of an event's record, or nothing
// when the event has none in that format.
var values = map[string]func(dst []byte, e *engine.Event) []byte{
	"json":     engine.AppendJSON,
	"graphite": func(dst []byte, e *engine.Event) []byte { return carbon.AppendLine(dst, "", e) },
}

// encoder makes records of events. The bytes of all records of a batch stand in
// one buffer, so that a batch costs a few allocations only.
type encoder struct {
	topic   string
	key     []engine.Field
	value   func(dst []byte, e *engine.Event) []byte
	buf     []byte
	ends    []int // in buf: of the key and of the value, record by record
	records []kgo.Record
}

// encode makes the records of events, and returns how many of these have none.
// The records are good until the next call.
func (c *encoder) encode(events []engine.Event) (skipped int) {
	c.buf, c.ends, c.records = c.buf[:0], c.ends[:0], slices.Grow(c.records[:0], len(events))
	for i := range events {
		start := len(c.buf)
		c.buf = c.appendKey(c.buf, &events[i])
		key := len(c.buf)
		if c.buf = c.value(c.buf, &events[i]); len(c.buf) == key {
			c.buf = c.buf[:start]
			skipped++
			continue
		}
		c.ends = append(c.ends, key, len(c.buf))
		c.records = append(c.records, kgo.Record{Topic: c.topic, Timestamp: timestamp(&events[i])})
	}
	from := 0
	for i := range c.records {
		key, value := c.ends[2*i], c.ends[2*i+1]
		if key > from {
			c.records[i].Key = c.buf[from:key:key]
		}
		c.records[i].Value, from = c.buf[key:value:value], value
	}
	return skipped
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
