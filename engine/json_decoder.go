package engine

import (
	"time"
	"unicode/utf8"
)

// JSONDecoder reads events from JSON objects, as ParseJSON does, and gives them
// their identities. An object that is written in the plain way, of an identity
// that the engine knows, is read in one pass that allocates nothing but the
// description; any other goes through ParseJSON. The results are the same.
//
// A JSONDecoder belongs to one goroutine. Several can share their names.
type JSONDecoder struct {
	ids    *Identities
	names  *Names
	states stateNames

	data []byte
	at   int
	name []byte // what the object at hand says of its identity, as it stands there
	seen Fields
}

// NewJSONDecoder returns a decoder that makes the events' identities in ids, and
// keeps in names which text leads to which.
func NewJSONDecoder(ids *Identities, names *Names) *JSONDecoder {
	return &JSONDecoder{ids: ids, names: names, states: make(stateNames)}
}

// Decode reads one event. The errors are those of ParseJSON. It does not keep
// data. With ErrTooManyIdentities it returns the event all the same, with an
// identity of its own: given to the engine, that tells of it.
func (d *JSONDecoder) Decode(data []byte) (Event, error) {
	var e Event
	plain := len(data) <= MaxJSONBytes && d.object(data, &e) && d.space() == len(data)
	if plain {
		if e.ID = d.names.Lookup(d.name); e.ID != nil {
			return e, nil
		}
	}
	return d.parse(data, plain)
}

// parse reads an event the thorough way. After one that is written in the plain
// way, its name is known.
func (d *JSONDecoder) parse(data []byte, plain bool) (Event, error) {
	e, parts, err := ParseJSON(data)
	if err != nil {
		return Event{}, err
	}
	if e.ID, err = d.ids.Intern(parts); err != nil {
		e.ID = d.ids.Loose(parts)
		return e, err
	}
	if plain {
		d.names.Add(string(d.name), e.ID)
	}
	return e, nil
}

// object reads the object that data begins with into e, but for its identity:
// what that is made of is only collected in name, and is valid if a name that
// leads to an identity is the same. It reports false for all that is unusual.
func (d *JSONDecoder) object(data []byte, e *Event) bool {
	d.data, d.at, d.name, d.seen = data, 0, d.name[:0], 0
	if !d.take('{') {
		return false
	}
	if d.take('}') {
		return true
	}
	for {
		if !d.member(e) {
			return false
		}
		if d.take('}') {
			return true
		}
		if !d.take(',') {
			return false
		}
	}
}

// member reads one key and its value.
func (d *JSONDecoder) member(e *Event) bool {
	d.space()
	key, ok := d.text()
	if !ok || !d.take(':') {
		return false
	}
	d.space()
	switch string(key) {
	case `"state"`:
		text, ok := d.own(HasState)
		e.SetState(d.states.get(text))
		return ok
	case `"description"`:
		text, ok := d.own(HasDescription)
		e.SetDescription(string(text))
		return ok
	case `"time"`:
		t, ok := d.time()
		e.SetTime(t)
		return ok && d.once(HasTime)
	case `"metric"`:
		m, ok := d.number()
		e.SetMetric(m)
		return ok && d.once(HasMetric)
	case `"ttl"`:
		n, ok := d.nanos()
		e.SetTTL(time.Duration(n))
		return ok && d.once(HasTTL)
	}
	return d.identity(key)
}

// once reports whether a field comes for the first time.
func (d *JSONDecoder) once(f Fields) bool {
	first := d.seen&f == 0
	d.seen |= f
	return first
}

// own reads the text of a field, without its quotes.
func (d *JSONDecoder) own(f Fields) ([]byte, bool) {
	text, ok := d.text()
	if !ok {
		return nil, false
	}
	return text[1 : len(text)-1], d.once(f)
}

// identity collects a member that is part of the identity.
func (d *JSONDecoder) identity(key []byte) bool {
	start := d.at
	if !d.skip() {
		return false
	}
	d.name = append(append(append(d.name, key...), d.data[start:d.at]...), ',')
	return true
}

// skip passes a value: a text, a list of texts, or what ends where the next
// member begins. Whether the latter is valid is for ParseJSON to say, when it
// sees it for the first time.
func (d *JSONDecoder) skip() bool {
	switch d.next() {
	case '"':
		_, ok := d.text()
		return ok
	case '{':
		return false
	case '[':
		return d.list()
	}
	for ; d.at < len(d.data); d.at++ {
		switch d.data[d.at] {
		case ',', '}', ' ', '\t', '\r', '\n':
			return true
		case '"', '[', ']', '{', ':':
			return false
		}
	}
	return false
}

func (d *JSONDecoder) list() bool {
	d.at++
	if d.take(']') {
		return true
	}
	for {
		d.space()
		if _, ok := d.text(); !ok {
			return false
		}
		if d.take(']') {
			return true
		}
		if !d.take(',') {
			return false
		}
	}
}

// next returns the byte at hand, or 0 at the end.
func (d *JSONDecoder) next() byte {
	if d.at < len(d.data) {
		return d.data[d.at]
	}
	return 0
}

// space passes white space and returns where it ends.
func (d *JSONDecoder) space() int {
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case ' ', '\t', '\r', '\n':
			d.at++
		default:
			return d.at
		}
	}
	return d.at
}

// take passes c, and white space before it, if it is next.
func (d *JSONDecoder) take(c byte) bool {
	d.space()
	if d.next() != c {
		return false
	}
	d.at++
	return true
}

// text returns a text with its quotes. It takes none that has escapes, control
// characters or bytes that are not UTF-8.
func (d *JSONDecoder) text() ([]byte, bool) {
	if d.next() != '"' {
		return nil, false
	}
	ascii := true
	for i := d.at + 1; i < len(d.data); i++ {
		switch c := d.data[i]; {
		case c == '"':
			text := d.data[d.at : i+1]
			d.at = i + 1
			return text, ascii || utf8.Valid(text)
		case c == '\\' || c < ' ':
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// stateNames are the states that a decoder has seen, so that each is allocated
// once.
type stateNames map[string]string

// maxStates bounds the states that are kept, and their length.
const maxStates = 256

func (s stateNames) get(text []byte) string {
	state, ok := s[string(text)]
	if !ok {
		state = string(text)
		if len(s) < maxStates && len(state) <= maxStates {
			s[state] = state
		}
	}
	return state
}

// time reads seconds, or a text in one of the forms of ISO 8601.
func (d *JSONDecoder) time() (Time, bool) {
	if d.next() != '"' {
		n, ok := d.nanos()
		return Time(n), ok
	}
	text, ok := d.text()
	if !ok {
		return 0, false
	}
	t, err := jsonTime(text)
	return t, err == nil
}
