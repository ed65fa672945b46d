package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

var (
	errNoObject = errors.New("expected an object")
	errNoArray  = errors.New("expected a list")
	errNoColon  = errors.New("expected a colon")
	errNoText   = errors.New("expected a string")
	errNoScalar = errors.New("expected a number or null")
	errDeep     = fmt.Errorf("it is nested deeper than %d levels", maxNesting)
)

// maxNesting bounds lists and objects in each other.
const maxNesting = 32

// jsonScanner walks over JSON whose shape is known. What it passes over need not
// be valid.
type jsonScanner struct {
	data    []byte
	next    int
	scratch []byte // texts that had escapes
}

// at names the place in an error.
func (s *jsonScanner) at(err error) error { return fmt.Errorf("%w (at byte %d)", err, s.next+1) }

func (s *jsonScanner) space() {
	for s.next < len(s.data) {
		switch s.data[s.next] {
		case ' ', '\t', '\r', '\n':
			s.next++
		default:
			return
		}
	}
}

// take passes c, and white space before it, if it is next.
func (s *jsonScanner) take(c byte) bool {
	s.space()
	if s.next < len(s.data) && s.data[s.next] == c {
		s.next++
		return true
	}
	return false
}

// end reports whether only white space is left.
func (s *jsonScanner) end() bool {
	s.space()
	return s.next == len(s.data)
}

// text reads a string. It is a part of the data, or of scratch.
func (s *jsonScanner) text() ([]byte, error) {
	if !s.take('"') {
		return nil, errNoText
	}
	start := s.next
	end := bytes.IndexByte(s.data[start:], '"')
	if end < 0 {
		return nil, errNoEnd
	}
	text := s.data[start : start+end]
	if bytes.IndexByte(text, '\\') < 0 {
		s.next += end + 1
		return text, nil
	}
	for ; s.next < len(s.data) && s.data[s.next] != '"'; s.next++ {
		if s.data[s.next] == '\\' {
			s.next++
		}
	}
	if s.next >= len(s.data) {
		return nil, errNoEnd
	}
	s.next++
	return s.unescape(s.data[start-1 : s.next])
}

func (s *jsonScanner) unescape(quoted []byte) ([]byte, error) {
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return nil, errors.New("a string has a bad escape")
	}
	start := len(s.scratch)
	s.scratch = append(s.scratch, text...)
	return s.scratch[start:], nil
}

// scalar reads a number, true, false or null as it stands there.
func (s *jsonScanner) scalar() ([]byte, error) {
	s.space()
	start := s.next
	for s.next < len(s.data) && isScalar(s.data[s.next]) {
		s.next++
	}
	if s.next == start {
		return nil, errNoScalar
	}
	return s.data[start:s.next], nil
}

func isScalar(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || c == '.' || c == '-' || c == '+' || c == 'E'
}

// each reads a list, and calls element where each of its elements begins.
func (s *jsonScanner) each(element func() error) error {
	if !s.take('[') {
		return errNoArray
	}
	if s.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return errNoComma
		}
	}
}

// texts reads a list of strings into list.
func (s *jsonScanner) texts(list [][]byte) (out [][]byte, wrong, err error) {
	list = list[:0]
	err = s.each(func() error {
		text, err := s.text()
		if len(list) == maxValues {
			wrong = errManyValues
			return err
		}
		list = append(list, text)
		return err
	})
	return list, wrong, err
}

// skip passes over a value.
func (s *jsonScanner) skip() error {
	depth := 0
	for {
		s.space()
		if s.next >= len(s.data) {
			return errNoEnd
		}
		switch c := s.data[s.next]; {
		case c == '"':
			if _, err := s.text(); err != nil {
				return err
			}
		case c == '{' || c == '[':
			s.next++
			if depth++; depth > maxNesting {
				return errDeep
			}
			continue
		case (c == '}' || c == ']') && depth > 0:
			s.next++
			depth--
		case (c == ',' || c == ':') && depth > 0:
			s.next++
			continue
		case isScalar(c):
			_, _ = s.scalar()
		default:
			r, _ := utf8.DecodeRune(s.data[s.next:])
			return fmt.Errorf("expected a value, got %q", r)
		}
		if depth == 0 {
			return nil
		}
	}
}
