package terminal

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// emulator is as much of a terminal as a Screen uses: lines, cursor up, erase
// to the end. It has no bottom, so nothing ever scrolls away.
type emulator struct {
	t      *testing.T
	width  int
	lines  []string
	row    int
	writes int
}

func (e *emulator) Write(p []byte) (int, error) {
	e.writes++
	for rest := string(p); rest != ""; {
		switch c := rest[0]; {
		case c == '\n':
			e.row++
			e.at()
			rest = rest[1:]
		case c == '\r':
			rest = rest[1:] // always follows a cursor up from column 0
		case c == '\x1b':
			end := strings.IndexAny(rest, "AJm")
			arg, _ := strconv.Atoi(rest[2:end])
			switch rest[end] {
			case 'A':
				e.row -= arg
				if e.row < 0 {
					e.t.Fatalf("the cursor goes %d above the screen", -e.row)
				}
			case 'J':
				e.lines = append(e.lines[:e.row], "")
			}
			rest = rest[end+1:]
		default:
			end := strings.IndexAny(rest, "\n\r\x1b")
			if end < 0 {
				end = len(rest)
			}
			*e.at() += rest[:end]
			rest = rest[end:]
		}
	}
	return len(p), nil
}

func (e *emulator) at() *string {
	for e.row >= len(e.lines) {
		e.lines = append(e.lines, "")
	}
	return &e.lines[e.row]
}

func (e *emulator) want(want ...string) {
	e.t.Helper()
	if want = append(want, ""); !slices.Equal(e.lines, want) {
		e.t.Errorf("the screen shows\n%s\nwant\n%s", strings.Join(e.lines, "\n"), strings.Join(want, "\n"))
	}
}

func newEmulated(t *testing.T, height int) (*Screen, *emulator) {
	e := &emulator{t: t, width: 20}
	s := newScreen(e, true, Ansi16)
	s.size = func() (int, int) { return e.width, height }
	return s, e
}

// rows is a drawing of some rows in red.
type rows struct{ atomic.Value }

func (r *rows) paint(dst []byte, _ int, colors Colors) []byte {
	for row := range strings.Lines(r.Load().(string)) {
		dst = Color{Ansi: 1}.Append(dst, colors)
		dst = AppendReset(append(dst, strings.TrimSuffix(row, "\n")...), colors)
		dst = append(dst, '\n')
	}
	return dst
}

func TestLinesScrollAboveTheFeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := newEmulated(t, 24)
		fmt.Fprintln(s, "before")
		var first, second rows
		first.Store("1\n")
		second.Store("2a\n2b\n")
		a, b := s.AddFoot(first.paint), s.AddFoot(second.paint)
		a.Redraw()
		e.want("before", "1", "2a", "2b")
		fmt.Fprint(s, "x\ny")
		e.want("before", "x", "y", "1", "2a", "2b")
		second.Store("2\n")
		time.Sleep(frame)
		b.Redraw()
		e.want("before", "x", "y", "1", "2")
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(s, "z")
		e.want("before", "x", "y", "1", "z", "2")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(s, "after")
		e.want("before", "x", "y", "1", "z", "2", "after")
	})
}

func TestRedrawsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := newEmulated(t, 24)
		var r rows
		f := s.AddFoot(r.paint)
		for i := range 1000 {
			r.Store(fmt.Sprintln(i))
			f.Redraw()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(frame)
		synctest.Wait()
		e.want("999")
		if e.writes > 32 {
			t.Errorf("%d drawings in a second", e.writes)
		}
	})
}

func TestTheTerminalChangesItsSize(t *testing.T) {
	s, e := newEmulated(t, 6)
	var r rows
	r.Store("0123456789\n0123456789\n")
	f := s.AddFoot(r.paint)
	fmt.Fprintln(s, "line")
	f.Redraw()
	// A narrower terminal breaks each row in two.
	e.width = 5
	e.lines, e.row = []string{"line", "01234", "56789", "01234", "56789", ""}, 5
	r.Store("0\n1\n2\n3\n4\n5\n")
	fmt.Fprintln(s, "next")
	e.want("line", "next", "0", "1", "2") // no more than half of the screen
}

func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := NewPipe(&out)
		var r rows
		r.Store("a\n")
		f := s.AddFoot(r.paint)
		f.Redraw()
		fmt.Fprint(s, "line\n")
		for _, row := range []string{"b\n", "c\n", "d\n"} {
			r.Store(row)
			f.Redraw()
		}
		time.Sleep(pipeFrame)
		synctest.Wait()
		f.Redraw() // nothing new
		time.Sleep(pipeFrame)
		r.Store("last\n")
		f.Redraw()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if want := "a\nline\nd\nlast\n"; out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestNewOnATerminal(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	if err := unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"xterm": true, "dumb": false} {
		s := New(slave, func(key string) string { return map[string]string{"TERM": name}[key] })
		if s.IsTerminal() != want {
			t.Errorf("%s: a terminal: %v", name, s.IsTerminal())
		}
		if width, height := s.size(); want && (width != 100 || height != 30) {
			t.Errorf("%s: %d × %d", name, width, height)
		}
	}
}

func TestColors(t *testing.T) {
	for _, c := range []struct {
		env  string
		tty  bool
		want Colors
	}{
		{"TERM=xterm", true, Ansi16},
		{"TERM=xterm-256color", true, Ansi256},
		{"TERM=xterm-256color COLORTERM=truecolor", true, TrueColor},
		{"TERM=xterm-direct", true, TrueColor},
		{"TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1", true, Monochrome},
		{"TERM=xterm-256color", false, Monochrome},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(c.env) {
			key, value, _ := strings.Cut(pair, "=")
			env[key] = value
		}
		if got := ColorsOf(c.tty, func(key string) string { return env[key] }); got != c.want {
			t.Errorf("%s on a terminal %v: got %d, want %d", c.env, c.tty, got, c.want)
		}
	}
	orange := Color{R: 255, G: 135, B: 0, Ansi: 11}
	for depth, want := range map[Colors]string{
		TrueColor: "\x1b[38;2;255;135;0m", Ansi256: "\x1b[38;5;208m", Ansi16: "\x1b[93m", Monochrome: "",
	} {
		if got := string(orange.Append(nil, depth)); got != want {
			t.Errorf("depth %d: got %q, want %q", depth, got, want)
		}
	}
	if got := string(Color{R: 128, G: 128, B: 128}.Append(nil, Ansi256)); got != "\x1b[38;5;244m" {
		t.Errorf("grey: got %q", got)
	}
}
