package terminal

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// The least time between two drawings of the foot, on a terminal and in a pipe.
const (
	frame     = time.Second / 30
	pipeFrame = time.Second
)

// Painter appends the rows of a foot to dst, with a line end after each. No
// row may be wider than width columns; width 0 means one row of any width, for
// a pipe. It is called with the screen locked, from any goroutine, so it must
// be quick and may not call the screen.
type Painter func(dst []byte, width int, colors Colors) []byte

// Screen is where lines scroll above a foot that is drawn over in place. All
// methods may be called from any goroutine.
type Screen struct {
	out      io.Writer
	terminal bool
	colors   Colors
	size     func() (width, height int)

	mu    sync.Mutex
	feet  []*Foot
	drawn [][]byte // the rows of the feet on the screen
	drew  time.Time
	timer *time.Timer // set while a drawing is due
	buf   []byte
}

func newScreen(out io.Writer, terminal bool, colors Colors) *Screen {
	return &Screen{out: out, terminal: terminal, colors: colors, size: func() (int, int) { return 0, 0 }}
}

// NewPipe returns a screen on something that is no terminal.
func NewPipe(out io.Writer) *Screen { return newScreen(out, false, Monochrome) }

// IsTerminal reports whether the screen is one that a person looks at.
func (s *Screen) IsTerminal() bool { return s.terminal }

// Colors returns how many colours the screen shows.
func (s *Screen) Colors() Colors { return s.colors }

// Write writes whole lines, which scroll above the foot. A line end that is
// missing is added while there is a foot.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal || len(s.feet) == 0 {
		return s.out.Write(p)
	}
	s.buf = append(s.erase(s.buf[:0]), p...)
	if len(p) > 0 && p[len(p)-1] != '\n' {
		s.buf = append(s.buf, '\n')
	}
	s.buf = s.paint(s.buf)
	if _, err := s.out.Write(s.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Foot is one drawing at the foot of a screen. Several stand one above the
// other, in the order in which they were added.
type Foot struct {
	screen *Screen
	paint  Painter
	shown  []byte // in a pipe, what was last written
}

// AddFoot adds a drawing at the foot, from the next Redraw or Write on.
func (s *Screen) AddFoot(paint Painter) *Foot {
	f := &Foot{screen: s, paint: paint}
	s.mu.Lock()
	s.feet = append(s.feet, f)
	s.mu.Unlock()
	return f
}

// Redraw says that the foot has changed. It is drawn at once, or a little
// later when it was drawn just now: at most 30 times a second. In a pipe it is
// a line, written when it has changed and at most once a second.
func (f *Foot) Redraw() {
	s := f.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		return
	}
	least := frame
	if !s.terminal {
		least = pipeFrame
	}
	if wait := least - time.Since(s.drew); wait > 0 {
		s.timer = time.AfterFunc(wait, s.drawLater)
		return
	}
	s.draw()
}

func (s *Screen) drawLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.draw()
	}
}

// Close draws the foot for the last time and leaves it on the screen, where
// what is written from then on follows it.
func (f *Foot) Close() error {
	s := f.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.feet, f)
	if i < 0 {
		return nil
	}
	if !s.terminal {
		s.draw()
		s.feet = slices.Delete(s.feet, i, i+1)
		return nil
	}
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.feet = slices.Delete(s.feet, i, i+1)
	width, _ := s.size()
	s.buf = f.paint(s.erase(s.buf[:0]), width, s.colors)
	s.buf = s.paint(s.buf)
	_, err := s.out.Write(s.buf)
	return err
}

// draw draws all feet now. A terminal that fails is not worth a word: there is
// nobody to read it.
func (s *Screen) draw() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.drew = time.Now()
	if s.terminal {
		s.buf = s.paint(s.erase(s.buf[:0]))
		_, _ = s.out.Write(s.buf)
		return
	}
	for _, f := range s.feet {
		s.buf = f.paint(s.buf[:0], 0, s.colors)
		if !bytes.Equal(s.buf, f.shown) {
			f.shown = append(f.shown[:0], s.buf...)
			_, _ = s.out.Write(s.buf)
		}
	}
}

// erase appends what removes the drawn rows, and leaves the cursor where the
// first began. A row that was drawn on a wider terminal has been broken into
// several since.
func (s *Screen) erase(dst []byte) []byte {
	if len(s.drawn) == 0 {
		return dst
	}
	width, _ := s.size()
	rows := 0
	for _, row := range s.drawn {
		rows += max(1, (columns(row)+width-1)/width)
	}
	s.drawn = s.drawn[:0]
	dst = append(dst, "\x1b["...)
	dst = strconv.AppendInt(dst, int64(rows), 10)
	return append(dst, "A\r\x1b[J"...)
}

// paint appends the rows of all feet and remembers them. They take at most
// half of the screen.
func (s *Screen) paint(dst []byte) []byte {
	width, height := s.size()
	most := max(1, height/2)
	for _, f := range s.feet {
		start := len(dst)
		dst = f.paint(dst, width, s.colors)
		for row := range bytes.Lines(dst[start:]) {
			if len(s.drawn) == most {
				return dst[:start]
			}
			s.drawn = append(s.drawn, bytes.Clone(row))
			start += len(row)
		}
	}
	return dst
}

// columns returns how wide a row is, escape sequences left out.
func columns(row []byte) (n int) {
	for len(row) > 0 {
		if row[0] == '\x1b' {
			end := bytes.IndexByte(row, 'm')
			if end < 0 {
				return n
			}
			row = row[end+1:]
			continue
		}
		r, size := utf8.DecodeRune(row)
		if r >= ' ' {
			n++
		}
		row = row[size:]
	}
	return n
}
