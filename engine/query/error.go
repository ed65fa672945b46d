package query

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SyntaxError says what is wrong with the text of a query, and where.
type SyntaxError struct {
	// Text is the query.
	Text string
	// Offset is the place in Text, in bytes from 0. Line and Column are the
	// same place, in lines and characters from 1.
	Offset, Line, Column int
	// Reason says what is wrong and what was expected.
	Reason string
}

// How much of a long text an error shows: lines on either side of the place,
// and columns to its left and in all.
const (
	linesAround = 4
	columnsLeft = 60
	columnsAll  = 100
)

func syntaxError(text string, at int, format string, args ...any) *SyntaxError {
	before := text[:at]
	return &SyntaxError{
		Text: text, Offset: at,
		Line:   1 + strings.Count(before, "\n"),
		Column: 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		Reason: fmt.Sprintf(format, args...),
	}
}

// Error returns the reason, and below it the text with a caret under the
// place. Of a long text it shows what is around the place.
func (e *SyntaxError) Error() string {
	lines := strings.Split(e.Text, "\n")
	var b strings.Builder
	b.WriteString("cannot parse query: ")
	if len(lines) > 1 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	b.WriteString(e.Reason)
	from := max(0, e.Column-1-columnsLeft)
	first, last := max(1, e.Line-linesAround), min(len(lines), e.Line+linesAround)
	for n := first; n <= last; n++ {
		shown, margin := window(strings.TrimSuffix(lines[n-1], "\r"), from)
		b.WriteString(strings.TrimRight("\n    "+margin+printable(shown), " "))
		if n == e.Line {
			before := []rune(shown)
			before = before[:min(len(before), e.Column-1-from)]
			b.WriteString("\n    " + blank(margin) + blank(string(before)) + "^")
		}
	}
	return b.String()
}

// window cuts a line to the columns that are shown, and returns what stands
// for the part to its left.
func window(line string, from int) (shown, margin string) {
	r := []rune(line)
	if from > 0 {
		margin = "…"
	}
	r = r[min(from, len(r)):]
	if len(r) > columnsAll {
		return string(r[:columnsAll]) + "…", margin
	}
	return string(r), margin
}

// printable keeps control characters, which could drive a terminal, out of an
// error; each is shown as one character, so that columns stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && !unicode.IsGraphic(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// blank returns white space as wide as s is on a terminal. Tabs stay tabs.
func blank(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case unicode.Is(unicode.Mn, r):
		case isWide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// isWide reports whether terminals give r two columns.
func isWide(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) ||
		r >= 0xFF01 && r <= 0xFF60 || r >= 0x1F300 && r <= 0x1FAFF
}
