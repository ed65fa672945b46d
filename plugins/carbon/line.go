package carbon

import (
	"bytes"
	"errors"

	"tocsin/engine"
)

// Point is one value of one series, as a sender wrote it.
type Point struct {
	// Name is the raw name, with its tags. It is a part of the bytes that it
	// was parsed from.
	Name  []byte
	Value float64
	// Time is meaningful when HasTime says so. A point without a time means
	// now: the time was missing, or -1.
	Time    engine.Time
	HasTime bool
}

// ErrNaN says that a point is well formed but its value is no number, which
// is how collectd and others report a gap.
var ErrNaN = errors.New("the value is nan")

// The reasons why a line makes no event. ErrBlank is none to complain about.
var (
	ErrBlank     = errors.New("the line is empty")
	ErrNoValue   = errors.New("the line has no value")
	ErrMore      = errors.New("the line has more than three fields")
	ErrBadValue  = errors.New("the value is not a finite number")
	ErrBadTime   = errors.New("the time is not a number of seconds since 1970")
	ErrOversized = errors.New("the line is too long")
)

// MaxLine bounds a line. It is what carbon takes (LineReceiver.MAX_LENGTH of
// Twisted). Whoever splits the input into lines holds to it.
const MaxLine = 16384

// ParseLine parses one plaintext line, `name value [time]`, with or without
// its line end. Fields are separated by any number of blanks and tabs. The
// error is ErrNaN for a value that is nan.
//
// The format is that of carbon's MetricLineReceiver
// (https://graphite.readthedocs.io/en/stable/feeding-carbon.html), and of
// VictoriaMetrics in that the time may be missing.
func ParseLine(line []byte) (Point, error) {
	var p Point
	err := p.Parse(bytes.TrimRight(line, "\r\n"))
	return p, err
}

// Parse is ParseLine for a line that may end in CR, but not in LF. It sets all of
// p, unless it fails.
func (p *Point) Parse(line []byte) error {
	line = trimBlanks(line)
	end := nameEnd(line)
	if end < 0 {
		if len(line) == 0 {
			return ErrBlank
		}
		return ErrNoValue
	}
	p.Name = line[:end]
	rest := skipBlanks(line[end:])
	var when []byte
	if end = nextBlank(rest); end >= 0 {
		when = skipBlanks(rest[end:])
		rest = rest[:end]
	}
	var err error
	if p.Value, err = ParseFloat(rest); err != nil {
		return err
	}
	p.Time, p.HasTime, err = ParseTime(when)
	if err != nil && nextBlank(when) >= 0 {
		err = ErrMore
	}
	return err
}

// nameEnd returns the index of the first blank or tab, or -1. Names are long
// and tabs rare, so two searches by the processor's wide instructions beat one
// loop over the bytes.
func nameEnd(b []byte) int {
	i := bytes.IndexByte(b, ' ')
	if i < 0 {
		return bytes.IndexByte(b, '\t')
	}
	if j := bytes.IndexByte(b[:i], '\t'); j >= 0 {
		return j
	}
	return i
}

// nextBlank is nameEnd for what is short.
func nextBlank(b []byte) int {
	for i, c := range b {
		if c == ' ' || c == '\t' {
			return i
		}
	}
	return -1
}

func skipBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// trimBlanks takes blanks from both ends, and the CR of a CRLF.
func trimBlanks(b []byte) []byte {
	b = skipBlanks(b)
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\t' || b[n-1] == '\r'); n = len(b) {
		b = b[:n-1]
	}
	return b
}
