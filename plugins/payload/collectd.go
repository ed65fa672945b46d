package payload

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

// collectdDecoder reads what collectd's write_kafka and write_http write: value
// lists as a JSON array (collectd_json.go), or PUTVAL lines (collectd_command.go).
// Graphite's lines, their third format, are for graphiteDecoder.
//
// The formats are those of src/utils/format_json and src/utils/cmds/putval.c of
// collectd 5.12.
type collectdDecoder struct {
	ids       *engine.Identities
	names     *engine.Names
	types     *valuelist.Types
	ttlFactor float64
	gap       func()
	add       func(*engine.Identity) *engine.Event

	list valueList
	json jsonScanner
	key  []byte // scratch: what an identity is found by
	bad  bad
}

// valueList is one value list as it was read. Its slices are parts of the input,
// or of scratch space.
type valueList struct {
	host, plugin, pluginInstance, typ, typeInstance []byte

	values  []float64 // NaN is a gap
	names   [][]byte  // of the data sources; none: types.db says
	kinds   [][]byte
	time    engine.Time
	hasTime bool
	ttl     time.Duration // 0: none
}

const (
	// maxName bounds each part of a name, and maxValues a list. collectd itself
	// has 128, and at most a few dozen values.
	maxName   = 256
	maxValues = 256
)

func newCollectd(ids *engine.Identities, o Options) Decoder {
	return &collectdDecoder{
		ids: ids, names: o.Names.collectd, types: o.Types, ttlFactor: o.TTLFactor, gap: o.Gap,
	}
}

func (d *collectdDecoder) Decode(value []byte, add func(*engine.Identity) *engine.Event) error {
	d.bad, d.add = bad{}, add
	value = skipSpace(value)
	switch {
	case len(value) == 0:
	case value[0] == '[':
		d.array(value)
	default:
		d.commands(value)
	}
	d.add = nil
	return d.bad.err()
}

func (l *valueList) reset() {
	*l = valueList{values: l.values[:0], names: l.names[:0], kinds: l.kinds[:0]}
}

// check says what is wrong with the list as a whole.
func (l *valueList) check() error {
	for _, part := range [...]struct {
		what string
		text []byte
		need bool
	}{
		{"host", l.host, true}, {"plugin", l.plugin, true}, {"plugin_instance", l.pluginInstance, false},
		{"type", l.typ, true}, {"type_instance", l.typeInstance, false},
	} {
		if part.need && len(part.text) == 0 {
			return fmt.Errorf("it has no %s", part.what)
		}
		if err := checkName(part.what, part.text); err != nil {
			return err
		}
	}
	for _, name := range l.names {
		if err := checkName("data source", name); err != nil {
			return err
		}
	}
	return l.checkValues()
}

func (l *valueList) checkValues() error {
	n := len(l.values)
	if n == 0 {
		return errors.New("it has no values")
	}
	if len(l.names) != 0 && len(l.names) != n || len(l.kinds) != 0 && len(l.kinds) != n {
		return fmt.Errorf("it has %d values, but %d dsnames and %d dstypes", n, len(l.names), len(l.kinds))
	}
	for _, kind := range l.kinds {
		switch string(kind) {
		case "gauge", "counter", "derive", "absolute":
		default:
			return fmt.Errorf("a dstype is %q, expected gauge, counter, derive or absolute", clip(kind))
		}
	}
	return nil
}

func checkName(what string, text []byte) error {
	if len(text) > maxName {
		return fmt.Errorf("its %s has more than %d bytes", what, maxName)
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("its %s has a NUL in it", what)
	}
	return nil
}

// clip cuts foreign text for an error.
func clip(b []byte) []byte { return b[:min(len(b), 60)] }

// events makes the events of the list at hand.
func (d *collectdDecoder) events() {
	l := &d.list
	// No name has a NUL in it, so the key is unambiguous.
	key := d.key[:0]
	for _, part := range [...][]byte{l.host, l.plugin, l.pluginInstance, l.typ, l.typeInstance} {
		key = append(append(key, part...), 0)
	}
	start := len(key)
	for i, metric := range l.values {
		if math.IsNaN(metric) {
			d.gap()
			continue
		}
		key = append(key[:start], byte(i), byte(len(l.values)))
		if len(l.names) > 0 {
			key = append(append(key, l.names[i]...), 0)
		}
		if len(l.kinds) > 0 {
			key = append(key, l.kinds[i]...)
		}
		id := d.names.Lookup(key)
		if id == nil {
			if id = intern(d.ids, l.parts(i, d.types)); id.Known() {
				d.names.Add(string(key), id)
			}
		}
		e := d.add(id)
		e.SetMetric(metric)
		if l.hasTime {
			e.SetTime(l.time)
		}
		if l.ttl > 0 {
			e.SetTTL(l.ttl)
		}
	}
	d.key = key
}

// parts says what the identity of the i-th value is made of.
func (l *valueList) parts(i int, types *valuelist.Types) engine.Parts {
	name := valuelist.Name{
		Plugin: valid(l.plugin), PluginInstance: valid(l.pluginInstance), Type: valid(l.typ), TypeInstance: valid(l.typeInstance),
	}
	sources, _ := types.Of(name.Type, len(l.values))
	source := sources[i]
	if len(l.names) > 0 {
		source.Name = valid(l.names[i])
	}
	if len(l.kinds) > 0 {
		source.Kind = string(l.kinds[i])
	}
	p := engine.Parts{Attrs: name.AttrsOf(source)}
	p.SetHost(valid(l.host))
	p.SetService(name.ServiceOf(source, len(l.values)))
	return p
}

// ttlOf returns how long a value lives whose next one comes after interval
// seconds.
func (d *collectdDecoder) ttlOf(interval float64) time.Duration {
	if ttl := interval * d.ttlFactor; ttl > 0 {
		return engine.Seconds(ttl)
	}
	return 0
}

// valid returns b as a string of its own, without what is not UTF-8.
func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
