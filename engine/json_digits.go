package engine

import "strconv"

// jsonDigits is a number taken apart: digits / 10^places.
type jsonDigits struct {
	negative bool
	digits   uint64
	places   int
	text     []byte
	exponent bool // there is one: only text counts
}

// maxDigits is how many digits surely fit a uint64.
const maxDigits = 18

// digits takes apart a number in the form that JSON wants.
func (d *JSONDecoder) digits() (n jsonDigits, ok bool) {
	start := d.at
	if d.next() == '-' {
		n.negative = true
		d.at++
	}
	whole := d.run(&n)
	if whole == 0 || whole > 1 && d.data[d.at-whole] == '0' {
		return n, false
	}
	if d.next() == '.' {
		d.at++
		if n.places = d.run(&n); n.places == 0 {
			return n, false
		}
	}
	if whole+n.places > maxDigits {
		return n, false
	}
	if c := d.next(); c == 'e' || c == 'E' {
		n.exponent = true
		d.at++
		if c := d.next(); c == '+' || c == '-' {
			d.at++
		}
		var power jsonDigits
		if d.run(&power) == 0 {
			return n, false
		}
	}
	n.text = d.data[start:d.at]
	return n, true
}

// run adds a run of digits to n and returns how many there were.
func (d *JSONDecoder) run(n *jsonDigits) (count int) {
	for c := d.next(); '0' <= c && c <= '9'; c = d.next() {
		n.digits = n.digits*10 + uint64(c-'0')
		d.at++
		count++
	}
	return count
}

// tens are the powers of ten that a number may be divided by to be rounded once
// only: both are exact as float64.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

func (d *JSONDecoder) number() (float64, bool) {
	n, ok := d.digits()
	if !ok {
		return 0, false
	}
	if n.exponent || n.digits >= 1<<53 {
		f, err := strconv.ParseFloat(string(n.text), 64)
		return f, err == nil
	}
	f := float64(n.digits) / tens[n.places]
	if n.negative {
		f = -f
	}
	return f, true
}

// maxPlainSeconds is below the bound that ParseJSON has for seconds.
const maxPlainSeconds = 9_100_000_000

// nanos reads seconds as nanoseconds.
func (d *JSONDecoder) nanos() (int64, bool) {
	n, ok := d.digits()
	if !ok || n.exponent || n.places > 9 {
		return 0, false
	}
	whole := n.digits / uint64(tens[n.places])
	if whole >= maxPlainSeconds {
		return 0, false
	}
	nanos := int64(n.digits * uint64(tens[9-n.places]))
	if n.negative {
		nanos = -nanos
	}
	return nanos, true
}
