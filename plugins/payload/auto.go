package payload

import (
	"bytes"

	"github.com/VictoriaMetrics/easyproto"

	"tocsin/engine"
)

// autoDecoder looks at each value to tell its format: see tell.
type autoDecoder struct{ json, graphite, collectd, riemann Decoder }

func newAuto(ids *engine.Identities, o Options) Decoder {
	return &autoDecoder{newJSON(ids, o), newGraphite(ids, o), newCollectd(ids, o), newRiemann(ids, o)}
}

func (d *autoDecoder) Decode(value []byte, add func(*engine.Identity) *engine.Event) error {
	decoder := d.graphite
	switch tell(value) {
	case "json":
		decoder = d.json
	case "collectd":
		decoder = d.collectd
	case "riemann":
		decoder = d.riemann
	}
	return decoder.Decode(value, add)
}

// tell tells the format of a value by how it begins, white space left out:
//
//   - a list whose first object has "values" as its first key is collectd's, and
//     so is what begins with PUTVAL;
//   - { and any other list are JSON;
//   - what is a protobuf Msg from its first byte to its last is Riemann's;
//   - all else is graphite's lines.
func tell(value []byte) string {
	text := skipSpace(bytes.TrimPrefix(value, []byte("\ufeff")))
	switch {
	case len(text) == 0:
	case text[0] == '{':
		return "json"
	case text[0] == '[':
		if object, ok := bytes.CutPrefix(skipSpace(text[1:]), []byte("{")); ok && bytes.HasPrefix(skipSpace(object), []byte(`"values"`)) {
			return "collectd"
		}
		return "json"
	case len(text) >= len("PUTVAL ") && bytes.EqualFold(text[:len("PUTVAL ")], []byte("PUTVAL ")):
		return "collectd"
	case isMsg(value):
		return "riemann"
	}
	return "graphite"
}

// isMsg reports whether value is a Msg of Riemann's: its fields only, of their
// types, up to the end, and so are its states and events. A text may look like a
// Msg at first: a 2 and how long the rest is begin an event.
func isMsg(value []byte) bool {
	return all(value, func(f easyproto.FieldContext) (ok bool) {
		switch f.FieldNum {
		case 2: // ok
			_, ok = f.Bool()
		case 3: // error
			_, ok = f.Bytes()
		case 5: // query
			_, ok = f.MessageData()
		case msgStates, msgEvents:
			var event []byte
			event, ok = f.MessageData()
			ok = ok && all(event, isEventField)
		}
		return ok
	})
}

// isEventField reports whether an Event or a State has such a field.
func isEventField(f easyproto.FieldContext) (ok bool) {
	switch f.FieldNum {
	case fieldTime, fieldTimeMicros:
		_, ok = f.Int64()
	case fieldState, fieldService, fieldHost, fieldDescription, fieldTags, fieldAttributes:
		_, ok = f.Bytes()
	case 6: // once, of a State
		_, ok = f.Bool()
	case fieldTTL, fieldMetricF:
		_, ok = f.Float()
	case fieldMetricInt:
		_, ok = f.Sint64()
	case fieldMetricD:
		_, ok = f.Double()
	}
	return ok
}

// all reports whether data is made of fields, each of which is as it should be.
func all(data []byte, is func(easyproto.FieldContext) bool) bool {
	for len(data) > 0 {
		var f easyproto.FieldContext
		var err error
		if data, err = f.NextField(data); err != nil || !is(f) {
			return false
		}
	}
	return true
}
