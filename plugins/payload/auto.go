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
// types, up to the end.
func isMsg(value []byte) bool {
	for len(value) > 0 {
		var f easyproto.FieldContext
		var err error
		if value, err = f.NextField(value); err != nil {
			return false
		}
		ok := false
		switch f.FieldNum {
		case 2: // ok
			_, ok = f.Bool()
		case 3: // error
			_, ok = f.Bytes()
		case msgStates, 5, msgEvents: // 5: query
			_, ok = f.MessageData()
		}
		if !ok {
			return false
		}
	}
	return true
}
