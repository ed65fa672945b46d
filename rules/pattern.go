package rules

import (
	"fmt"
	"strings"
)

// Bounds of Lua's patterns.
const (
	// maxCaptures is as in Lua 5.1.
	maxCaptures = 32
	// maxPatternDepth is how many items of a pattern may wait for those behind
	// them.
	maxPatternDepth = 1000
	// lookSteps is after how many steps the matcher asks whether to go on.
	lookSteps = 4096
)

// What stands in the length of a capture that is not a piece of the text.
const (
	captureOpen     = -1 // its end is not found yet
	capturePosition = -2 // "()": its start is what it captures
)

// capture is a piece of the text.
type capture struct{ start, size int }

// matcher matches Lua's patterns, as lstrlib.c of Lua 5.1 does. A pattern such
// as "a-a-a-a-b" takes time that grows with a power of the text's length, so the
// matcher asks look now and then whether to go on.
type matcher struct {
	src, pattern string
	look         func() error
	left         int // steps until look is asked
	depth        int
	level        int // how many captures there are
	captures     [maxCaptures]capture
}

// patternError ends a match; the matcher's methods panic with it.
type patternError struct{ err error }

func (m *matcher) fail(format string, args ...any) {
	panic(patternError{fmt.Errorf(format, args...)})
}

// step counts n steps.
func (m *matcher) step(n int) {
	if m.left -= n; m.left > 0 {
		return
	}
	m.left = lookSteps
	if err := m.look(); err != nil {
		panic(patternError{err})
	}
}

// next finds the first match that begins at or behind from; anchored: at from.
// start is -1 when there is none.
func (m *matcher) next(from int, anchored bool) (start, end int, err error) {
	defer func() {
		if r := recover(); r != nil {
			failure, ok := r.(patternError)
			if !ok {
				panic(r)
			}
			err = failure.err
		}
	}()
	for start = from; start <= len(m.src); start++ {
		m.level, m.depth = 0, 0
		if end = m.match(start, 0); end >= 0 {
			return start, end, nil
		}
		if anchored {
			break
		}
	}
	return -1, -1, nil
}

// match matches the pattern from p on against the text from s on, and returns
// where the match ends, or -1.
func (m *matcher) match(s, p int) int {
	if m.depth++; m.depth > maxPatternDepth {
		m.fail("the pattern is too complex")
	}
	end := m.items(s, p)
	m.depth--
	return end
}

// items matches one item of the pattern after the other.
func (m *matcher) items(s, p int) int {
	for p < len(m.pattern) {
		m.step(1)
		switch m.pattern[p] {
		case '(':
			if strings.HasPrefix(m.pattern[p:], "()") {
				return m.open(s, p+2, capturePosition)
			}
			return m.open(s, p+1, captureOpen)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pattern) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			if after, behind, special := m.special(s, p+1); special {
				if after < 0 {
					return -1
				}
				s, p = after, behind
				continue
			}
		}
		end := m.classEnd(p)
		holds := m.single(s, p, end)
		if end < len(m.pattern) {
			switch m.pattern[end] {
			case '?':
				if holds {
					if e := m.match(s+1, end+1); e >= 0 {
						return e
					}
				}
				p = end + 1
				continue
			case '*':
				return m.longest(s, p, end)
			case '+':
				if !holds {
					return -1
				}
				return m.longest(s+1, p, end)
			case '-':
				return m.shortest(s, p, end)
			}
		}
		if !holds {
			return -1
		}
		s, p = s+1, end
	}
	return s
}

// special matches "%b", "%f" and "%1" to "%9", of which p is the letter. after
// is where the text goes on, or -1, and behind where the pattern does.
func (m *matcher) special(s, p int) (after, behind int, special bool) {
	if p == len(m.pattern) {
		return 0, 0, false
	}
	switch c := m.pattern[p]; {
	case c == 'b':
		return m.balance(s, p+1), p + 3, true
	case c == 'f':
		if p+1 == len(m.pattern) || m.pattern[p+1] != '[' {
			m.fail("missing '[' after '%%f' in the pattern")
		}
		end := m.classEnd(p + 1)
		var before, at byte
		if s > 0 {
			before = m.src[s-1]
		}
		if s < len(m.src) {
			at = m.src[s]
		}
		if m.inSet(before, p+1, end-1) || !m.inSet(at, p+1, end-1) {
			s = -1
		}
		return s, end, true
	case c >= '0' && c <= '9':
		return m.again(s, int(c)-'1'), p + 1, true
	}
	return 0, 0, false
}

// balance matches "%bxy", of which p is the x.
func (m *matcher) balance(s, p int) int {
	if p+1 >= len(m.pattern) {
		m.fail("the pattern lacks the two characters of '%%b'")
	}
	open, shut := m.pattern[p], m.pattern[p+1]
	if s >= len(m.src) || m.src[s] != open {
		return -1
	}
	depth := 1
	for i := s + 1; i < len(m.src); i++ {
		m.step(1)
		switch m.src[i] {
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		case open:
			depth++
		}
	}
	return -1
}

// again matches what capture i holds once more.
func (m *matcher) again(s, i int) int {
	if i < 0 || i >= m.level || m.captures[i].size == captureOpen {
		m.fail("invalid capture index %%%d in the pattern", i+1)
	}
	c := m.captures[i]
	piece := m.src[c.start : c.start+max(c.size, 0)]
	m.step(len(piece) / 64)
	if !strings.HasPrefix(m.src[s:], piece) {
		return -1
	}
	return s + len(piece)
}

// longest matches as many characters of the class from p to end as it can.
func (m *matcher) longest(s, p, end int) int {
	n := 0
	for m.single(s+n, p, end) {
		m.step(1)
		n++
	}
	for ; n >= 0; n-- {
		if e := m.match(s+n, end+1); e >= 0 {
			return e
		}
	}
	return -1
}

// shortest matches as few characters of the class from p to end as it can.
func (m *matcher) shortest(s, p, end int) int {
	for {
		if e := m.match(s, end+1); e >= 0 {
			return e
		}
		if !m.single(s, p, end) {
			return -1
		}
		s++
	}
}

// open begins a capture.
func (m *matcher) open(s, p, size int) int {
	if m.level == maxCaptures {
		m.fail("the pattern has more than %d captures", maxCaptures)
	}
	m.captures[m.level] = capture{s, size}
	m.level++
	e := m.match(s, p)
	if e < 0 {
		m.level--
	}
	return e
}

// close ends the innermost capture that is open.
func (m *matcher) close(s, p int) int {
	i := m.level - 1
	for i >= 0 && m.captures[i].size != captureOpen {
		i--
	}
	if i < 0 {
		m.fail("the pattern closes a capture that is not open")
	}
	m.captures[i].size = s - m.captures[i].start
	e := m.match(s, p)
	if e < 0 {
		m.captures[i].size = captureOpen
	}
	return e
}

// classEnd returns where the class that begins at p ends.
func (m *matcher) classEnd(p int) int {
	switch m.pattern[p] {
	case '%':
		if p+1 == len(m.pattern) {
			m.fail("the pattern ends with '%%'")
		}
		return p + 2
	case '[':
		i := p + 1
		if i < len(m.pattern) && m.pattern[i] == '^' {
			i++
		}
		for first := true; ; first = false {
			switch {
			case i >= len(m.pattern):
				m.fail("the pattern lacks a ']'")
			case m.pattern[i] == ']' && !first:
				return i + 1
			case m.pattern[i] == '%':
				i++
			}
			i++
		}
	}
	return p + 1
}

// single reports whether the character at s is in the class from p to end.
func (m *matcher) single(s, p, end int) bool {
	if s >= len(m.src) {
		return false
	}
	c := m.src[s]
	switch m.pattern[p] {
	case '.':
		return true
	case '%':
		return inClass(c, m.pattern[p+1])
	case '[':
		return m.inSet(c, p, end-1)
	}
	return m.pattern[p] == c
}

// inSet reports whether c is in the set whose '[' is at p and whose ']' is at
// last.
func (m *matcher) inSet(c byte, p, last int) bool {
	m.step((last - p) / 64)
	in := true
	p++
	if m.pattern[p] == '^' {
		in = false
		p++
	}
	for ; p < last; p++ {
		switch {
		case m.pattern[p] == '%':
			p++
			if inClass(c, m.pattern[p]) {
				return in
			}
		case p+2 < last && m.pattern[p+1] == '-':
			if m.pattern[p] <= c && c <= m.pattern[p+2] {
				return in
			}
			p += 2
		case m.pattern[p] == c:
			return in
		}
	}
	return !in
}

// inClass reports whether c is in the class that a letter behind '%' names.
func inClass(c, letter byte) bool {
	var in bool
	switch letter | 0x20 {
	case 'a':
		in = isLower(c | 0x20)
	case 'c':
		in = c < 0x20 || c == 0x7f
	case 'd':
		in = isDigit(c)
	case 'l':
		in = isLower(c)
	case 'p':
		in = c > ' ' && c < 0x7f && !isDigit(c) && !isLower(c|0x20)
	case 's':
		in = c == ' ' || c >= '\t' && c <= '\r'
	case 'u':
		in = c >= 'A' && c <= 'Z'
	case 'w':
		in = isDigit(c) || isLower(c|0x20)
	case 'x':
		in = isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	case 'z':
		in = c == 0
	default:
		return letter == c
	}
	return in == isLower(letter)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
