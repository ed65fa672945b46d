package payload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/VictoriaMetrics/easyproto"

	"tocsin/engine"
)

// riemannDecoder reads one Msg of Riemann's protocol, without the length that
// stands before it on a TCP connection: its states, then its events. What else is
// in it is passed over.
//
// The schema is riemann-java-client's proto.proto; what the fields mean is what
// riemann-clojure-client's codec.clj makes of them.
type riemannDecoder struct {
	ids   *engine.Identities
	names *engine.Names
	gap   func()

	event  riemannEvent
	states map[string]string
	key    []byte // scratch: what an identity is found by
	bad    bad
}

// The fields of a Msg.
const (
	msgStates = 4
	msgEvents = 6
)

// The fields of an Event. Those of a State are the same, as far as it has them.
const (
	fieldTime        = 1
	fieldState       = 2
	fieldService     = 3
	fieldHost        = 4
	fieldDescription = 5
	fieldTags        = 7
	fieldTTL         = 8
	fieldAttributes  = 9
	fieldTimeMicros  = 10
	fieldMetricInt   = 13
	fieldMetricD     = 14
	fieldMetricF     = 15
)

// riemannEvent is one event as it was read. Its bytes are parts of the input; nil
// is absent.
type riemannEvent struct {
	host, service, state, description []byte

	tags  [][]byte
	attrs []riemannAttr

	time       engine.Time
	hasTime    bool
	micros     bool // time is of time_micros
	metric     float64
	metricFrom uint32 // the field that it is of; 0: none
	ttl        float64
	hasTTL     bool
}

type riemannAttr struct{ key, value []byte }

var (
	errNotMsg     = errors.New("the protobuf message is broken")
	errLargeEvent = fmt.Errorf("it has more than %d bytes", engine.MaxJSONBytes)
	errManyTags   = fmt.Errorf("it has more than %d tags", engine.MaxJSONTags)
	errManyAttrs  = fmt.Errorf("it has more than %d attributes", engine.MaxJSONAttributes)
)

func newRiemann(ids *engine.Identities, o Options) Decoder {
	return &riemannDecoder{ids: ids, names: o.Names.riemann, gap: o.Gap, states: make(map[string]string)}
}

func (d *riemannDecoder) Decode(value []byte, add func(*engine.Identity) *engine.Event) error {
	d.bad = bad{}
	number := 0
	for _, wanted := range [...]uint32{msgStates, msgEvents} {
		for rest := value; len(rest) > 0; {
			var f easyproto.FieldContext
			var err error
			if rest, err = f.NextField(rest); err != nil {
				if wanted == msgEvents { // else it comes again
					d.bad.add("event", number+1, errNotMsg)
				}
				break
			}
			if f.FieldNum != wanted {
				continue
			}
			if number++; number > MaxEvents {
				d.bad.add("event", number, errManyEvents)
				return d.bad.err()
			}
			data, ok := f.MessageData()
			if !ok {
				d.bad.add("event", number, errNotMsg)
			} else if err := d.event.read(data); err != nil {
				d.bad.add("event", number, err)
			} else {
				d.emit(add)
			}
		}
	}
	return d.bad.err()
}

// read reads an Event or a State.
func (e *riemannEvent) read(data []byte) error {
	*e = riemannEvent{tags: e.tags[:0], attrs: e.attrs[:0]}
	if len(data) > engine.MaxJSONBytes {
		return errLargeEvent
	}
	for len(data) > 0 {
		var f easyproto.FieldContext
		var err error
		if data, err = f.NextField(data); err != nil {
			return errNotMsg
		}
		if err := e.field(&f); err != nil {
			return err
		}
	}
	return nil
}

func (e *riemannEvent) field(f *easyproto.FieldContext) error {
	ok := true
	switch f.FieldNum {
	case fieldHost:
		e.host, ok = f.Bytes()
	case fieldService:
		e.service, ok = f.Bytes()
	case fieldState:
		e.state, ok = f.Bytes()
	case fieldDescription:
		e.description, ok = f.Bytes()
	case fieldTags:
		var tag []byte
		if tag, ok = f.Bytes(); len(e.tags) == engine.MaxJSONTags {
			return errManyTags
		}
		e.tags = append(e.tags, tag)
	case fieldAttributes:
		var data []byte
		if data, ok = f.MessageData(); ok {
			return e.attribute(data)
		}
	case fieldTTL:
		var ttl float32
		ttl, ok = f.Float()
		e.ttl, e.hasTTL = float64(ttl), true
	case fieldTime, fieldTimeMicros:
		ok = e.setTime(f)
	case fieldMetricInt, fieldMetricD, fieldMetricF:
		ok = e.setMetric(f)
	}
	if !ok {
		return fmt.Errorf("field %d is of another type", f.FieldNum)
	}
	return nil
}

// setTime prefers time_micros.
func (e *riemannEvent) setTime(f *easyproto.FieldContext) bool {
	n, ok := f.Int64()
	scale := int64(1e9)
	if f.FieldNum == fieldTimeMicros {
		scale, e.micros = 1e3, true
	} else if e.micros {
		return ok
	}
	n = min(max(n, math.MinInt64/scale), math.MaxInt64/scale)
	e.time, e.hasTime = engine.Time(n*scale), true
	return ok
}

// setMetric prefers the integer, then the double: the fields in their order.
func (e *riemannEvent) setMetric(f *easyproto.FieldContext) (ok bool) {
	var metric float64
	switch f.FieldNum {
	case fieldMetricInt:
		var n int64
		n, ok = f.Sint64()
		metric = float64(n)
	case fieldMetricD:
		metric, ok = f.Double()
	case fieldMetricF:
		var single float32
		single, ok = f.Float()
		metric = float64(single)
	}
	if e.metricFrom == 0 || f.FieldNum <= e.metricFrom {
		e.metric, e.metricFrom = metric, f.FieldNum
	}
	return ok
}

// attribute reads an Attribute. One that is called as a field of events is that
// field, or is ignored.
func (e *riemannEvent) attribute(data []byte) error {
	var key, value []byte
	for len(data) > 0 {
		var f easyproto.FieldContext
		var err error
		if data, err = f.NextField(data); err != nil {
			return errNotMsg
		}
		ok := true
		switch f.FieldNum {
		case 1:
			key, ok = f.Bytes()
		case 2:
			value, ok = f.Bytes()
		}
		if !ok {
			return errNotMsg
		}
	}
	if value == nil {
		return nil
	}
	switch string(key) {
	case "", "tags", "time", "ttl", "metric":
	case "host":
		e.host = value
	case "service":
		e.service = value
	case "state":
		e.state = value
	case "description":
		e.description = value
	default:
		if len(e.attrs) == engine.MaxJSONAttributes {
			return errManyAttrs
		}
		e.attrs = append(e.attrs, riemannAttr{key, value})
	}
	return nil
}

// emit makes the event at hand.
func (d *riemannDecoder) emit(add func(*engine.Identity) *engine.Event) {
	r := &d.event
	e := add(d.identity())
	if r.state != nil {
		e.SetState(d.state(r.state))
	}
	if r.description != nil {
		e.SetDescription(valid(r.description))
	}
	if r.hasTime {
		e.SetTime(r.time)
	}
	switch {
	case r.metricFrom == 0:
	case math.IsNaN(r.metric) || math.IsInf(r.metric, 0):
		d.gap()
	default:
		e.SetMetric(r.metric)
	}
	if r.hasTTL && r.ttl >= 0 { // nor NaN
		e.SetTTL(engine.Seconds(r.ttl))
	}
}

// identity finds the identity of the event at hand.
func (d *riemannDecoder) identity() *engine.Identity {
	r := &d.event
	key := appendPart(d.key[:0], 'h', r.host)
	key = appendPart(key, 's', r.service)
	for _, tag := range r.tags {
		key = appendPart(key, 't', tag)
	}
	for _, a := range r.attrs {
		key = appendPart(appendPart(key, 'k', a.key), 'v', a.value)
	}
	d.key = key
	id := d.names.Lookup(key)
	if id == nil {
		if id = intern(d.ids, r.parts()); id.Known() {
			d.names.Add(string(key), id)
		}
	}
	return id
}

// appendPart appends a part of a key, if it is there, so that no two lists of
// parts give the same key.
func appendPart(key []byte, kind byte, part []byte) []byte {
	if part == nil {
		return key
	}
	return append(binary.AppendUvarint(append(key, kind), uint64(len(part))), part...)
}

func (e *riemannEvent) parts() (p engine.Parts) {
	if e.host != nil {
		p.SetHost(valid(e.host))
	}
	if e.service != nil {
		p.SetService(valid(e.service))
	}
	for _, tag := range e.tags {
		p.Tags = append(p.Tags, valid(tag))
	}
	for _, a := range e.attrs {
		p.Attrs = append(p.Attrs, engine.Attr{Key: valid(a.key), Value: valid(a.value)})
	}
	return p
}

// maxStates bounds the states that are kept, so that each is allocated once, and
// their length.
const maxStates = 256

func (d *riemannDecoder) state(text []byte) string {
	state, ok := d.states[string(text)]
	if !ok {
		state = valid(text)
		if len(d.states) < maxStates && len(text) <= maxStates {
			d.states[string(text)] = state
		}
	}
	return state
}
