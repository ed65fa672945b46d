package terminal

import (
	"strconv"
	"strings"
)

// Colors is how many colours a terminal shows.
type Colors int

// The depths. Monochrome means that no colour may be written at all.
const (
	Monochrome Colors = iota
	Ansi16
	Ansi256
	TrueColor
)

// ColorsOf tells the depth from the environment. NO_COLOR (no-color.org) wins;
// then COLORTERM, then the name in TERM.
func ColorsOf(isTerminal bool, getenv func(string) string) Colors {
	name := getenv("TERM")
	switch {
	case !isTerminal || getenv("NO_COLOR") != "":
		return Monochrome
	case getenv("COLORTERM") == "truecolor" || getenv("COLORTERM") == "24bit" || strings.HasSuffix(name, "-direct"):
		return TrueColor
	case strings.Contains(name, "256color"):
		return Ansi256
	}
	return Ansi16
}

// Color is a colour, and the nearest to it of the 16 that every terminal has:
// a number from 0 to 15.
type Color struct {
	R, G, B uint8
	Ansi    uint8
}

// Append appends what switches the foreground to c. It is nothing for
// Monochrome.
func (c Color) Append(dst []byte, depth Colors) []byte {
	switch depth {
	case TrueColor:
		dst = append(dst, "\x1b[38;2;"...)
		dst = append(strconv.AppendUint(dst, uint64(c.R), 10), ';')
		dst = append(strconv.AppendUint(dst, uint64(c.G), 10), ';')
		return append(strconv.AppendUint(dst, uint64(c.B), 10), 'm')
	case Ansi256:
		dst = append(dst, "\x1b[38;5;"...)
		return append(strconv.AppendUint(dst, uint64(c.cube()), 10), 'm')
	case Ansi16:
		code := 30 + uint64(c.Ansi)
		if c.Ansi >= 8 {
			code = 90 + uint64(c.Ansi) - 8
		}
		dst = append(dst, "\x1b["...)
		return append(strconv.AppendUint(dst, code, 10), 'm')
	}
	return dst
}

// AppendReset appends what ends a colour.
func AppendReset(dst []byte, depth Colors) []byte {
	if depth == Monochrome {
		return dst
	}
	return append(dst, "\x1b[0m"...)
}

// cube returns the nearest colour of xterm's 6×6×6 cube, or of its 24 greys.
func (c Color) cube() int {
	if c.R == c.G && c.G == c.B && c.R >= 8 && c.R < 248 {
		return 232 + (int(c.R)-8)/10
	}
	level := func(v uint8) int {
		switch {
		case v < 48:
			return 0
		case v < 115:
			return 1
		}
		return (int(v) - 35) / 40
	}
	return 16 + 36*level(c.R) + 6*level(c.G) + level(c.B)
}
