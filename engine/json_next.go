package engine

import "errors"

// errNoEnd says that a JSON value does not end, so that what follows it cannot
// be found.
var errNoEnd = errors.New("cannot read event: the JSON ends within it")

// Next reads the event that data begins with, and returns how many bytes it
// takes: 0 when its end cannot be found, and more with any other error, so that
// reading can go on behind it. All else is as in Decode.
func (d *JSONDecoder) Next(data []byte) (e Event, n int, err error) {
	plain := d.object(data[:min(len(data), MaxJSONBytes)], &e)
	if plain {
		n = d.at
		if e.ID = d.names.Lookup(d.name); e.ID != nil {
			return e, n, nil
		}
	} else if n = endOfJSON(data); n == 0 {
		return Event{}, 0, errNoEnd
	}
	e, err = d.parse(data[:n], plain)
	return e, n, err
}

// endOfJSON returns where the value that data begins with ends, or 0 when it does
// not. It only counts brackets; whether the value is valid is for others to say.
func endOfJSON(data []byte) int {
	depth, started := 0, false
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case ' ', '\t', '\r', '\n':
			if started && depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']', ',':
			switch {
			case depth == 0:
				return i
			case data[i] == ',':
			case depth == 1:
				return i + 1
			default:
				depth--
			}
		case '"':
			if i = endOfString(data, i); i < 0 {
				return 0
			}
			if depth == 0 {
				return i + 1
			}
		}
		started = true
	}
	if started && depth == 0 {
		return len(data)
	}
	return 0
}

// endOfString returns the index of the quote that ends the string at data[i], or
// -1. No string goes over a line end.
func endOfString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i
		case '\\':
			i++
		case '\n':
			return -1
		}
	}
	return -1
}
