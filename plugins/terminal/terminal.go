// Package terminal shares one terminal between what scrolls (log lines) and
// what stands still at its foot (a strip of LEDs).
//
// screen.go draws; color.go says how colours are written. Without a terminal a
// Screen is a plain writer.
package terminal

import (
	"os"

	"golang.org/x/term"
)

// New returns the screen on f. getenv is os.Getenv; it tells TERM, COLORTERM
// and NO_COLOR. When f is no terminal, or a "dumb" one, nothing is ever drawn
// over, and there are no colours.
func New(f *os.File, getenv func(string) string) *Screen {
	fd := int(f.Fd())
	is := term.IsTerminal(fd) && getenv("TERM") != "dumb" && getenv("TERM") != ""
	s := newScreen(f, is, ColorsOf(is, getenv))
	if is {
		s.size = func() (int, int) {
			width, height, err := term.GetSize(fd)
			if err != nil || width < 1 || height < 1 {
				return 80, 24
			}
			return width, height
		}
	}
	return s
}
