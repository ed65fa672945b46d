package engine

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends e to dst as one JSON object, without a line end. The keys
// are host, service, state, description, time, metric, ttl, tags, and then the
// attributes by name. Absent fields are left out.
//
// Times and ttls are decimal seconds, exact to the nanosecond. Three things
// JSON cannot hold: a metric that is NaN or infinite is left out; bytes that
// are not UTF-8 become U+FFFD; an attribute with the name of one of an event's
// own fields is left out, since its key would mean the field.
func AppendJSON(dst []byte, e *Event) []byte {
	id := e.ID
	dst = append(dst, '{')
	if id.Has&HasHost != 0 {
		dst = appendJSONString(append(dst, `"host":`...), id.Host)
	}
	if id.Has&HasService != 0 {
		dst = appendJSONString(appendJSONKey(dst, `"service":`), id.Service)
	}
	if e.Has&HasState != 0 {
		dst = appendJSONString(appendJSONKey(dst, `"state":`), e.State)
	}
	if e.Has&HasDescription != 0 {
		dst = appendJSONString(appendJSONKey(dst, `"description":`), e.Description)
	}
	if e.Has&HasTime != 0 {
		dst = appendJSONSeconds(appendJSONKey(dst, `"time":`), int64(e.Time))
	}
	if e.Has&HasMetric != 0 && !math.IsNaN(e.Metric) && !math.IsInf(e.Metric, 0) {
		dst = appendJSONNumber(appendJSONKey(dst, `"metric":`), e.Metric)
	}
	if e.Has&HasTTL != 0 {
		dst = appendJSONSeconds(appendJSONKey(dst, `"ttl":`), int64(e.TTL))
	}
	dst = appendJSONLabels(dst, id.Labels)
	return append(dst, '}')
}

func appendJSONLabels(dst []byte, l *Labels) []byte {
	for i, tag := range l.Tags {
		if i == 0 {
			dst = appendJSONKey(dst, `"tags":[`)
		} else {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, tag)
	}
	if len(l.Tags) > 0 {
		dst = append(dst, ']')
	}
	for i := range l.Attrs {
		if a := &l.Attrs[i]; !isOwnField(a.Key) {
			dst = appendJSONString(appendJSONKey(dst, ""), a.Key)
			dst = appendJSONString(append(dst, ':'), a.Value)
		}
	}
	return dst
}

// isOwnField reports whether name is that of one of an event's own fields, and
// so cannot be the key of an attribute.
func isOwnField(name string) bool {
	switch name {
	case "host", "service", "state", "description", "time", "metric", "ttl", "tags":
		return true
	}
	return false
}

// appendJSONKey appends key as it stands, after a comma unless it is the
// first. No value ends in an opening brace, so the last byte tells.
func appendJSONKey(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, key...)
}

// appendJSONSeconds writes n nanoseconds as decimal seconds, without zeros at
// the end.
func appendJSONSeconds(dst []byte, n int64) []byte {
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/1e9, 10)
	part := u % 1e9
	if part == 0 {
		return dst
	}
	var digits [10]byte
	digits[0] = '.'
	for i := 9; i > 0; i-- {
		digits[i] = '0' + byte(part%10)
		part /= 10
	}
	end := 10
	for digits[end-1] == '0' {
		end--
	}
	return append(dst, digits[:end]...)
}

// appendJSONNumber writes a finite number as ECMAScript does: with an exponent
// only when it is very large or very small. Numbers as text look the same.
func appendJSONNumber(dst []byte, n float64) []byte {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 && (n != 0 || !math.Signbit(n)) {
		return strconv.AppendInt(dst, int64(n), 10)
	}
	format := byte('f')
	if abs := math.Abs(n); n != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, n, format, -1, 64)
}

const jsonHex = "0123456789abcdef"

// appendJSONString writes s in quotes. Control characters are escaped, those
// of C1 too, so that a line of JSON can be shown on a terminal.
func appendJSONString(dst []byte, s string) []byte {
	dst = slices.Grow(dst, len(s)+2)
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if r >= 0xa0 && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendJSONEscape(dst, r)
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendJSONEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case utf8.RuneError:
		return append(dst, `\ufffd`...)
	}
	return append(dst, '\\', 'u', '0', '0', jsonHex[r>>4], jsonHex[r&15])
}
