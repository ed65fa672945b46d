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
		line := value
		if end := bytes.IndexByte(value, '\n'); end >= 0 {
			line, value = value[:end], value[end+1:]
		} else {
			value = nil
		}
		if number > MaxEvents {
			d.bad.add("line", number, errManyEvents)
			break
		}
		if !d.line(line, number) {
			continue
		}
		d.numbers = append(d.numbers, number)
		if d.chunk.Keep() {
			d.resolve(add)
		}
	}
	d.resolve(add)
	return d.bad.err()
}

// line reads one line, and reports whether it has a point.
func (d *graphiteDecoder) line(line []byte, number int) bool {
	if len(line) > carbon.MaxLine {
		d.bad.add("line", number, carbon.ErrOversized)
		return false
	}
	switch err := d.chunk.Next().Parse(line); err {
	case nil:
		return true
	case carbon.ErrBlank:
	case carbon.ErrNaN:
		d.gap()
	default:
		d.bad.add("line", number, err)
	}
	return false
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
