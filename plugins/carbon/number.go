package carbon

import (
	"bytes"
	"math"
	"strconv"
	"unsafe"

	"tocsin/engine"
)

// maxFastDigits is how many digits fit into the mantissa without overflow.
const maxFastDigits = 18

var powersOfTen = [maxFastDigits + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

// ParseFloat parses a decimal number, with the result that strconv gives.
// Infinities are ErrBadValue, nan is ErrNaN.
func ParseFloat(b []byte) (float64, error) {
	if f, n := decimal(b); n > 0 && n == len(b) {
		return f, nil
	}
	return parseFloatSlow(b)
}

// decimal parses the number that b begins with, and returns how many bytes it
// has: 0 when it is none, or one for strconv. A mantissa below 2^53 and a power
// of ten up to 10^22 are exact as float64, so that the one division rounds as the
// whole should (Clinger 1990). What follows may make it another number, as an
// exponent does.
func decimal(b []byte) (f float64, n int) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		i = 1
	}
	mantissa, n := digits(b, i)
	count, fraction := n-i, 0
	if n < len(b) && b[n] == '.' {
		i = n + 1
		for n = i; n < len(b); n++ {
			c := b[n] - '0'
			if c > 9 {
				break
			}
			mantissa = mantissa*10 + uint64(c)
		}
		fraction = n - i
		count += fraction
	}
	if count == 0 || count > maxFastDigits || mantissa >= 1<<53 {
		return 0, 0
	}
	f = float64(mantissa)
	if fraction > 0 {
		f /= powersOfTen[fraction]
	}
	if negative {
		f = -f
	}
	return f, n
}

// digits returns the number that the digits from b[i] on make, and the index
// behind them. More than 18 of them overflow.
func digits(b []byte, i int) (n uint64, next int) {
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		n = n*10 + uint64(c)
	}
	return n, i
}

func parseFloatSlow(b []byte) (float64, error) {
	for _, c := range b {
		// Letters would let strconv take inf, and hexadecimal forms that
		// carbon does not know.
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			if isNaN(b) {
				return 0, ErrNaN
			}
			return 0, ErrBadValue
		}
	}
	// strconv does not keep its argument.
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, ErrBadValue
	}
	return f, nil
}

// isNaN knows nan in any case, and the -nan that C prints.
func isNaN(b []byte) bool {
	if len(b) == 4 && (b[0] == '-' || b[0] == '+') {
		b = b[1:]
	}
	return bytes.EqualFold(b, []byte("nan"))
}

// maxSeconds is the last whole second that an engine.Time can hold.
const maxSeconds = math.MaxInt64 / uint64(1e9)

// ParseTime parses seconds since 1970, with or without a fraction, of which it
// keeps the nanoseconds. Nothing at all, and -1, mean no time. The error is
// ErrBadTime.
func ParseTime(b []byte) (t engine.Time, has bool, err error) {
	seconds, next := digits(b, 0)
	if next == len(b) && next > 0 && next <= maxFastDigits && seconds < maxSeconds {
		return engine.Time(seconds * 1e9), true, nil
	}
	if len(b) == 0 || string(b) == "-1" {
		return 0, false, nil
	}
	if fraction := len(b) - next - 1; next > 0 && next <= maxFastDigits && seconds < maxSeconds &&
		fraction >= 0 && fraction <= 9 && b[next] == '.' {
		part, end := digits(b, next+1)
		if end == len(b) {
			for range 9 - fraction {
				part *= 10
			}
			return engine.Time(seconds*1e9 + part), true, nil
		}
	}
	f, err := ParseFloat(b)
	if err != nil {
		return 0, false, ErrBadTime
	}
	return TimeOf(f)
}

// TimeOf turns seconds since 1970 into a time. -1 means none. The error is
// ErrBadTime.
func TimeOf(seconds float64) (t engine.Time, has bool, err error) {
	switch {
	case seconds == -1:
		return 0, false, nil
	case seconds >= 0:
		return engine.TimeOf(seconds), true, nil
	}
	return 0, false, ErrBadTime
}
