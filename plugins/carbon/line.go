package carbon

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"

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

// ParsePlain parses the line that data begins with if it is as nearly all are: a
// name, a blank, a decimal number, a blank, whole seconds, LF. It sets all of p and
// returns how many bytes the line has, with its LF. It returns 0, and leaves p in
// any state, when the line is another one, good or bad, or has not ended: Parse
// tells.
func (p *Point) ParsePlain(data []byte) (n int) {
	name := plainEnd(data)
	if name == 0 || name >= len(data) || data[name] != ' ' {
		return 0
	}
	value := data[name+1:]
	f, n := decimal(value)
	if n == 0 || n == len(value) || value[n] != ' ' {
		return 0
	}
	when := value[n+1:]
	seconds, n := digits(when, 0)
	if n == 0 || n > maxFastDigits || n == len(when) || when[n] != '\n' || seconds >= maxSeconds {
		return 0
	}
	if n += len(data) - len(when) + 1; n > MaxLine {
		return 0
	}
	p.Name, p.Value = data[:name], f
	p.Time, p.HasTime = engine.Time(seconds*1e9), true
	return n
}

// plainEnd returns the index of the first blank or control character in b, or
// len(b) when there is none. It looks at eight bytes at once: the highest bit of
// each of low is set where a byte is not above a blank; those behind the first
// such byte may be wrong.
func plainEnd(b []byte) int {
	const ones = 0x0101010101010101
	i := 0
	for ; i+8 <= len(b); i += 8 {
		word := binary.LittleEndian.Uint64(b[i:])
		if low := (word - ones*(' '+1)) &^ word & (ones << 7); low != 0 {
			return i + bits.TrailingZeros64(low)/8
		}
	}
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return i
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
