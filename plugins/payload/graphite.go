package payload

import (
	"bytes"

	"tocsin/engine"
	"tocsin/plugins/carbon"
)

// graphiteDecoder reads lines of plaintext, `name value [time]`, as source.graphite
// does. The last one needs no line end.
type graphiteDecoder struct {
	ids    *engine.Identities
	names  *engine.Names
	naming *carbon.Naming
	gap    func()

	chunk   carbon.Chunk
	numbers []int // the lines of the chunk's points
	bad     bad
}

func newGraphite(ids *engine.Identities, o Options) Decoder {
	return &graphiteDecoder{ids: ids, names: o.Names.graphite, naming: o.Naming, gap: o.Gap}
}

func (d *graphiteDecoder) Decode(value []byte, add func(*engine.Identity) *engine.Event) error {
	d.bad = bad{}
	for number := 1; len(value) > 0; number++ {
		if number > MaxEvents {
			d.bad.add("line", number, errManyEvents)
			break
		}
		n := d.chunk.Next().ParsePlain(value)
		if n == 0 {
			var ok bool
			if n, ok = d.line(value, number); !ok {
				value = value[n:]
				continue
			}
		}
		value = value[n:]
		d.numbers = append(d.numbers, number)
		if d.chunk.Keep() {
			d.resolve(add)
		}
	}
	d.resolve(add)
	return d.bad.err()
}

// line reads the line that value begins with. It returns how many bytes it has,
// and whether it has a point.
func (d *graphiteDecoder) line(value []byte, number int) (n int, ok bool) {
	line, n := value, len(value)
	if end := bytes.IndexByte(value, '\n'); end >= 0 {
		line, n = value[:end], end+1
	}
	if len(line) > carbon.MaxLine {
		d.bad.add("line", number, carbon.ErrOversized)
		return n, false
	}
	switch err := d.chunk.Next().Parse(line); err {
	case nil:
		return n, true
	case carbon.ErrBlank:
	case carbon.ErrNaN:
		d.gap()
	default:
		d.bad.add("line", number, err)
	}
	return n, false
}

// resolve makes events of the points.
func (d *graphiteDecoder) resolve(add func(*engine.Identity) *engine.Event) {
	d.chunk.Identify(d.names, d.intern)
	for i, id := range d.chunk.Identities() {
		if id != nil {
			d.chunk.Set(add(id), i)
			continue
		}
		_, err := d.naming.Parts(string(d.chunk.Point(i).Name))
		d.bad.add("line", d.numbers[i], err)
	}
	d.chunk.Reset()
	d.numbers = d.numbers[:0]
}

// intern makes the identity of a name that is new. It returns nil when the name
// means nothing.
func (d *graphiteDecoder) intern(raw []byte) *engine.Identity {
	name := string(raw)
	parts, err := d.naming.Parts(name)
	if err != nil {
		return nil
	}
	id := intern(d.ids, parts)
	if id.Known() {
		d.names.Add(name, id)
	}
	return id
}
