package carbon

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"tocsin/engine"
)

// AppendLine appends `prefix.host.service value time` and a line end; prefix may be
// empty, and is one of SafePath. It appends nothing for an event without a finite metric, and for one without
// host and service.
//
// The format is carbon's plaintext protocol
// (https://graphite.readthedocs.io/en/stable/feeding-carbon.html).
func AppendLine(b []byte, prefix string, e *engine.Event) []byte {
	if e.Has&engine.HasMetric == 0 || math.IsNaN(e.Metric) || math.IsInf(e.Metric, 0) {
		return b
	}
	line := appendPath(b, prefix, e.ID)
	if len(line) == len(b) {
		return b
	}
	line = append(line, ' ')
	line = appendNumber(line, e.Metric)
	line = append(line, ' ')
	line = strconv.AppendInt(line, seconds(e), 10)
	return append(line, '\n')
}

// appendPath appends `prefix.host.service`, or nothing when there is neither a
// host nor a service.
func appendPath(b []byte, prefix string, id *engine.Identity) []byte {
	start := len(b)
	if prefix != "" {
		b = append(append(b, prefix...), '.')
	}
	named := len(b)
	if b = appendPart(b, id.Host, '_'); len(b) > named {
		b = append(b, '.')
	}
	b = appendPart(b, id.Service, '.')
	if len(b) == named {
		return b[:start]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// SafePath returns a path with all of it replaced or left out that cannot stand
// in a name of carbon.
func SafePath(path string) string { return string(appendPart(nil, path, '.')) }

// appendPart appends text with separator instead of dots and slashes, and _
// instead of what carbon does not take: blanks, control characters, the ;
// before tags, and bytes that are not UTF-8. It leaves out empty parts between
// dots, for carbon makes folders of them.
func appendPart(b []byte, text string, separator byte) []byte {
	start := len(b)
	for i := 0; i < len(text); {
		c, size := text[i], 1
		switch {
		case c == '.' || c == '/':
			c = separator
		case c <= ' ' || c == 0x7f || c == ';':
			c = '_'
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(text[i:])
			if !unicode.IsSpace(r) && !unicode.IsControl(r) && (r != utf8.RuneError || size > 1) {
				b = append(b, text[i:i+size]...)
				i += size
				continue
			}
			c = '_'
		}
		i += size
		if c == '.' && (len(b) == start || b[len(b)-1] == '.') {
			continue
		}
		b = append(b, c)
	}
	return b
}

// appendNumber writes a number without an exponent, unless it would be long.
func appendNumber(b []byte, f float64) []byte {
	format := byte('f')
	if abs := math.Abs(f); abs >= 1e21 || abs < 1e-6 && abs > 0 {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

// seconds returns the event's time in whole seconds since 1970.
func seconds(e *engine.Event) int64 {
	t := e.Time
	if e.Has&engine.HasTime == 0 {
		t = e.Arrival
	}
	return max(0, int64(t)) / 1e9 // carbon takes -1 as now
}
