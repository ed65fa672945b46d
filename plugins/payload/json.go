package payload

import (
	"bytes"
	"errors"
	"fmt"

	"tocsin/engine"
)

// jsonDecoder reads one event, a list of events, or events one after another, as
// JSON lines are. Each is an object as docs/language.md describes it.
type jsonDecoder struct {
	decoder *engine.JSONDecoder
	bad     bad
	number  int // of the event at hand
}

func newJSON(ids *engine.Identities, o Options) Decoder {
	return &jsonDecoder{decoder: engine.NewJSONDecoder(ids, o.Names.json)}
}

var (
	errManyEvents = fmt.Errorf("there are more than %d", MaxEvents)
	errNoComma    = errors.New("expected a comma or ] behind it, so what follows is not read")
	errNoEnd      = errors.New("the JSON ends within it")
	errNoList     = errors.New("the list does not end")
	errAfterList  = errors.New("there is something behind the list")
)

func (d *jsonDecoder) Decode(value []byte, add func(*engine.Identity) *engine.Event) error {
	d.bad, d.number = bad{}, 1
	value = skipSpace(bytes.TrimPrefix(value, []byte("\ufeff")))
	if len(value) > 0 && value[0] == '[' {
		d.list(value[1:], add)
	} else {
		d.sequence(value, add)
	}
	return d.bad.err()
}

// list reads the elements of a list.
func (d *jsonDecoder) list(rest []byte, add func(*engine.Identity) *engine.Event) {
	rest = skipSpace(rest)
	if len(rest) > 0 && rest[0] == ']' {
		d.listEnd(rest)
		return
	}
	for ; !d.many(); d.number++ {
		e, n, err := d.decoder.Next(rest)
		d.took(e, err, add)
		if n == 0 {
			return
		}
		rest = skipSpace(rest[n:])
		switch {
		case len(rest) == 0:
			d.bad.add("event", d.number, errNoList)
			return
		case rest[0] == ']':
			d.listEnd(rest)
			return
		case rest[0] != ',':
			d.bad.add("event", d.number, errNoComma)
			return
		}
		rest = rest[1:]
	}
}

func (d *jsonDecoder) listEnd(rest []byte) {
	if len(skipSpace(rest[1:])) > 0 {
		d.bad.add("event", d.number, errAfterList)
	}
}

// sequence reads events that follow each other. From where something else stands,
// or does not end, each line is taken for itself: the next one may be good.
func (d *jsonDecoder) sequence(rest []byte, add func(*engine.Identity) *engine.Event) {
	for ; len(rest) > 0 && !d.many(); d.number++ {
		e, n, err := d.decoder.Next(rest)
		if n == 0 || rest[0] != '{' {
			d.lines(rest, add)
			return
		}
		d.took(e, err, add)
		rest = skipSpace(rest[n:])
	}
}

// lines reads one event of each line.
func (d *jsonDecoder) lines(rest []byte, add func(*engine.Identity) *engine.Event) {
	for line := range bytes.Lines(rest) {
		if line = skipSpace(line); len(line) == 0 {
			continue
		}
		if d.many() {
			return
		}
		e, err := d.decoder.Decode(line)
		d.took(e, err, add)
		d.number++
	}
}

// took takes what the decoder made.
func (d *jsonDecoder) took(e engine.Event, err error, add func(*engine.Identity) *engine.Event) {
	if err != nil && !errors.Is(err, engine.ErrTooManyIdentities) {
		d.bad.add("event", d.number, err)
		return
	}
	*add(e.ID) = e
}

// many reports whether there are too many events.
func (d *jsonDecoder) many() bool {
	if d.number <= MaxEvents {
		return false
	}
	d.bad.add("event", d.number, errManyEvents)
	return true
}

// skipSpace returns b without the white space that it begins with.
func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}
