package carbon

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestParseLine(t *testing.T) {
	const now = engine.Time(-1) // stands for no time
	f := func(line, name string, value float64, time engine.Time) {
		t.Helper()
		p, err := ParseLine([]byte(line))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			return
		}
		if string(p.Name) != name || p.Value != value {
			t.Errorf("%q: got %q %v, want %q %v", line, p.Name, p.Value, name, value)
		}
		if p.HasTime != (time != now) || p.HasTime && p.Time != time {
			t.Errorf("%q: got time %d (%v), want %d", line, p.Time, p.HasTime, time)
		}
	}
	f("a.b 1 1700000000", "a.b", 1, 1700000000e9)
	f("a.b 1 1700000000\n", "a.b", 1, 1700000000e9)
	f("a.b -2.5 1700000000\r\n", "a.b", -2.5, 1700000000e9)
	f(" \ta.b\t +1e3 \t 1700000000 \t", "a.b", 1000, 1700000000e9)
	f("a;k=v\t1 1700000000", "a;k=v", 1, 1700000000e9)
	f("gauge-käse .5 1700000000", "gauge-käse", 0.5, 1700000000e9)
	f("a 5. 0", "a", 5, 0)
	// times
	f("a 1", "a", 1, now)
	f("a 1 ", "a", 1, now)
	f("a 1 -1", "a", 1, now)
	f("a 1 -1.0", "a", 1, now)
	f("a 1 1700000000.25", "a", 1, 1700000000_250000000)
	f("a 1 1700000000.123456789", "a", 1, 1700000000_123456789)
	f("a 1 1700000000.000000001", "a", 1, 1700000000_000000001)
	f("a 1 1700000000.", "a", 1, 1700000000e9)
	f("a 1 1.7e9", "a", 1, 1700000000e9)
	f("a 1 .5", "a", 1, 5e8)
	f("a 1 9999999999", "a", 1, math.MaxInt64)
	f("a 1 99999999999999999999999", "a", 1, math.MaxInt64)
}

func TestParseLine_Failure(t *testing.T) {
	f := func(line string, want error) {
		t.Helper()
		if p, err := ParseLine([]byte(line)); err != want {
			t.Errorf("%q: got %v and error %v, want %v", line, p, err, want)
		}
	}
	f("", ErrBlank)
	f(" \t\r\n", ErrBlank)
	f("a", ErrNoValue)
	f("a ", ErrNoValue)
	f("a x 1700000000", ErrBadValue)
	f("a 1,5 1700000000", ErrBadValue)
	f("a . 1700000000", ErrBadValue)
	f("a - 1700000000", ErrBadValue)
	f("a 1-2 1700000000", ErrBadValue)
	f("a 0x10 1700000000", ErrBadValue)
	f("a 1_0 1700000000", ErrBadValue)
	f("a 1e999 1700000000", ErrBadValue)
	f("a inf 1700000000", ErrBadValue)
	f("a -Infinity 1700000000", ErrBadValue)
	f("a nan 1700000000", ErrNaN)
	f("a NaN 1700000000", ErrNaN)
	f("a -nan 1700000000", ErrNaN)
	f("a 1 now", ErrBadTime)
	f("a 1 -2", ErrBadTime)
	f("a 1 nan", ErrBadTime)
	f("a 1 inf", ErrBadTime)
	f("a 1 1700000000 x", ErrMore)
	f("a 1 -1 -1", ErrMore)
}

// TestParsePlain wants the common lines taken, and the others left to Parse.
func TestParsePlain(t *testing.T) {
	f := func(data string, want int) {
		t.Helper()
		var p Point
		if got := p.ParsePlain([]byte(data)); got != want {
			t.Errorf("%q: got %d, want %d", data, got, want)
		}
		comparePlain(t, []byte(data))
	}
	long := strings.Repeat("x", MaxLine-len(" 1 0"))
	f("a 1 0\n", 6)
	f("a.b;k=v -12.5 1700000000\na 1 0\n", 25)
	f("gauge-käse-größe +.5 1\n", len("gauge-käse-größe +.5 1\n"))
	f(long[1:]+" 1 0\n", MaxLine)
	for _, data := range []string{
		"", "a", "a 1", "a 1 0", "\n", " \n", "a\n", " a 1 0\n", "a\t1 0\n", "a\x011 0 0\n", "a\nb 1 0\n", "12345678\t 1 0\n", "a  1 0\n", "a 1  0\n",
		"a x 0\n", "a 1e3 0\n", "a 1 x\n", "a 1\n", "a 1 \n", "a - 0\n", "a 1 0.5\n", "a 1 -1\n", "a 1 0\r\n", "a 1 0 \n", "a 9007199254740993 0\n",
		"a 1 99999999999999999999\n", "a 1 9999999999\n", long + " 1 0\n",
	} {
		f(data, 0)
	}
}

// comparePlain holds ParsePlain against Parse.
func comparePlain(t *testing.T, data []byte) {
	t.Helper()
	var got, want Point
	n := got.ParsePlain(data)
	if n == 0 {
		return
	}
	line, rest, _ := strings.Cut(string(data), "\n")
	if err := want.Parse([]byte(line)); err != nil || n != len(data)-len(rest) {
		t.Fatalf("%q: took %d bytes as plain; Parse: %v", data, n, err)
	}
	if string(got.Name) != string(want.Name) || math.Float64bits(got.Value) != math.Float64bits(want.Value) || got.Time != want.Time || got.HasTime != want.HasTime {
		t.Errorf("%q: got %+v, want %+v", data, got, want)
	}
}

func TestParseFloatIsExact(t *testing.T) {
	for _, s := range []string{
		"0", "-0", "0.1", "0.3", "123456789012345", "9007199254740991", "9007199254740992", "9007199254740993",
		"99999999999999999999", "0.054", "0.54345703125", "1.7976931348623157e308", "5e-324", "2.2250738585072011e-308",
		"0.000000000000000001", "000000000000000000001.5", "1.00000000000000011102230246251565404",
	} {
		compareFloat(t, s)
	}
}

// compareFloat holds ParseFloat against strconv.
func compareFloat(t *testing.T, s string) {
	t.Helper()
	want, wantErr := strconv.ParseFloat(s, 64)
	got, err := ParseFloat([]byte(s))
	switch {
	case wantErr == nil && math.IsNaN(want):
		if err != ErrNaN {
			t.Errorf("%q: got error %v, want ErrNaN", s, err)
		}
	case wantErr != nil || math.IsInf(want, 0):
		if err == nil {
			t.Errorf("%q: got %v, want an error", s, got)
		}
	case err != nil:
		if !strings.ContainsAny(s, "xX_") {
			t.Errorf("%q: %v, want %v", s, err, want)
		}
	case math.Float64bits(got) != math.Float64bits(want):
		t.Errorf("%q: got %v, want %v", s, got, want)
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{
		"a.b;k=v 1.5 1700000000\r", "a\t-1e5\t-1", "x nan 1", "x 9007199254740993 1700000000.25", "a 1 1 1", "", "\x00 1",
	} {
		f.Add([]byte(s))
	}
	naming, err := NewNaming([]string{"shop.* .role.host.service*", "a* host.x.x"})
	if err == nil {
		f.Fatal("a bad template was taken")
	}
	if naming, err = NewNaming([]string{"shop.* .role.host.service*", "host.x.x"}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, word := range strings.Fields(string(line)) {
			compareFloat(t, word)
		}
		comparePlain(t, line)
		comparePlain(t, append(line[:len(line):len(line)], '\n'))
		p, err := ParseLine(line)
		if err != nil {
			return
		}
		if len(p.Name) == 0 || strings.ContainsAny(string(p.Name), " \t") {
			t.Errorf("%q: the name is %q", line, p.Name)
		}
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.Time < 0 {
			t.Errorf("%q: got %v at %d", line, p.Value, p.Time)
		}
		if _, err := naming.Parts(string(p.Name)); err != nil && errors.Is(err, engine.ErrTooManyIdentities) {
			t.Error(err)
		}
	})
}
