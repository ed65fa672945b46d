package query

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"tocsin/engine"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenText
	tokenNumber
	tokenSymbol
)

// token is one piece of a query.
type token struct {
	kind tokenKind
	at   int     // its first byte in the text
	raw  string  // as it is written
	text string  // of a tokenText: what it stands for
	num  float64 // of a tokenNumber
}

func (t token) isWord(word string) bool     { return t.kind == tokenWord && t.raw == word }
func (t token) isSymbol(symbol string) bool { return t.kind == tokenSymbol && t.raw == symbol }

// String names the token in an error.
func (t token) String() string {
	raw := t.raw
	if utf8.RuneCountInString(raw) > 40 {
		raw = string([]rune(raw)[:40]) + "…"
	}
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenText:
		return "the string " + printable(raw)
	case tokenNumber:
		return "the number " + raw
	}
	return strconv.Quote(raw)
}

// lexer cuts a text into tokens.
type lexer struct {
	text   string
	at     int
	tokens []token
}

// lex returns the tokens of text, the last of which is a tokenEnd.
func lex(text string) ([]token, error) {
	l := lexer{text: text}
	for l.at < len(text) {
		r, size := utf8.DecodeRuneInString(text[l.at:])
		var err error
		switch {
		case unicode.IsSpace(r):
			l.at += size
		case r == '"' || r == '\'':
			err = l.quoted(text[l.at])
		case numberLen(text[l.at:]) > 0:
			err = l.number()
		case nameLen(text[l.at:]) > 0:
			err = l.word()
		default:
			err = l.symbol()
		}
		if err != nil {
			return nil, err
		}
	}
	// What is missing at the end is missing after the last token, not after
	// the blanks behind it.
	at := len(strings.TrimRightFunc(text, unicode.IsSpace))
	return append(l.tokens, token{kind: tokenEnd, at: at}), nil
}

// take adds the next n bytes as one token.
func (l *lexer) take(t token, n int) {
	t.at, t.raw = l.at, l.text[l.at:l.at+n]
	l.tokens = append(l.tokens, t)
	l.at += n
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return syntaxError(l.text, at, format, args...)
}

// nameLen returns the length of the name that s begins with, or 0.
func nameLen(s string) int {
	for i, r := range s {
		switch {
		case r == '_' || unicode.IsLetter(r):
		case i > 0 && (unicode.IsDigit(r) || unicode.IsMark(r)):
		case i > 0 && r == '.' && goesOn(s[i+1:]):
		default:
			return i
		}
	}
	return len(s)
}

// goesOn reports whether s begins with what can follow a dot in a name.
func goesOn(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// numberLen returns the length of the decimal number that s begins with, or 0.
func numberLen(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	whole := digits(s[i:])
	i += whole
	fraction := 0
	if i < len(s) && s[i] == '.' {
		if fraction = digits(s[i+1:]); whole+fraction > 0 {
			i += 1 + fraction
		}
	}
	if whole+fraction == 0 {
		return 0
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if n := digits(s[j:]); n > 0 {
			i = j + n
		}
	}
	return i
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// readNumber is engine.ParseNumber, which says what a number is. Looking first
// saves the allocation of its error for a text such as "10.0.0.1".
func readNumber(s string) (float64, bool) {
	if s == "" || numberLen(s) != len(s) {
		return 0, false
	}
	return engine.ParseNumber(s)
}

// runLen returns how far s goes on like a name with other characters in it.
func runLen(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("_.-/:@", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	if n < 0 {
		return len(s)
	}
	return n
}

func (l *lexer) number() error {
	n := numberLen(l.text[l.at:])
	after := l.text[l.at+n:]
	after = after[:nameLen(after)]
	if run := runLen(l.text[l.at:]); run > n && after != "and" && after != "or" {
		s := l.text[l.at : l.at+run]
		return l.fail(l.at, "%q is no number; expected one such as 5, -0.5 or 1e6, or a text in quotes", s)
	}
	num, ok := readNumber(l.text[l.at : l.at+n])
	if !ok {
		return l.fail(l.at, "the number is too large or too long; expected at most 1.8e308, in 64 characters")
	}
	l.take(token{kind: tokenNumber, num: num}, n)
	return nil
}

func (l *lexer) word() error {
	n := nameLen(l.text[l.at:])
	if run := runLen(l.text[l.at:]); run > n {
		s := l.text[l.at : l.at+run]
		return l.fail(l.at+n, "a name has letters, digits, \"_\" and inner dots only; expected attr %q if it is an attribute, %q if it is a text", s, s)
	}
	l.take(token{kind: tokenWord}, n)
	return nil
}

func (l *lexer) symbol() error {
	rest := l.text[l.at:]
	for _, mistake := range []struct{ wrong, right string }{
		{"==", `"=" compares`}, {"=>", `"greater or equal" is ">="`}, {"=<", `"less or equal" is "<="`}, {"<>", `"not equal" is "!="`},
		{"&", `expected "and"`}, {"|", `expected "or"`},
		{"!~", `expected "not" before the condition, and "=~" or "~=" in it`},
	} {
		if strings.HasPrefix(rest, mistake.wrong) {
			wrong := rest[:len(mistake.wrong)]
			if len(rest) > 1 && len(wrong) == 1 && rest[1] == rest[0] {
				wrong = rest[:2]
			}
			return l.fail(l.at, "%q is no operator here; %s", wrong, mistake.right)
		}
	}
	for _, s := range []string{"!=", "<=", ">=", "=~", "~=", "=", "<", ">", "(", ")"} {
		if strings.HasPrefix(rest, s) {
			l.take(token{kind: tokenSymbol}, len(s))
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	switch r {
	case '!':
		return l.fail(l.at, `"!" is no operator here; expected "not"`)
	case '~':
		return l.fail(l.at, `"~" is no operator here; expected "=~" (with %%) or "~=" (a regular expression)`)
	case '“', '”', '„', '‘', '’', '«', '»':
		return l.fail(l.at, `expected a string in straight quotes, " or '`)
	}
	return l.fail(l.at, "unexpected %q; expected a field, a literal or an operator", r)
}

// quoted reads a string in the given quotes.
func (l *lexer) quoted(quote byte) error {
	var b strings.Builder
	for i := l.at + 1; i < len(l.text); {
		switch c := l.text[i]; c {
		case quote:
			l.take(token{kind: tokenText, text: b.String()}, i+1-l.at)
			return nil
		case '\\':
			r, n, err := l.escape(i)
			if err != nil {
				return err
			}
			b.WriteRune(r)
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return l.fail(l.at, "the string that begins here is not closed; expected %c at its end", quote)
}

// escape reads the escape at i and returns its length with it.
func (l *lexer) escape(i int) (r rune, n int, err error) {
	c, size := utf8.DecodeRuneInString(l.text[i+1:])
	switch c {
	case '"', '\'', '\\':
		return c, 2, nil
	case 'n':
		return '\n', 2, nil
	case 't':
		return '\t', 2, nil
	case 'r':
		return '\r', 2, nil
	case 'b':
		return '\b', 2, nil
	case 'f':
		return '\f', 2, nil
	case 'u':
		return l.unicodeEscape(i)
	}
	if size == 0 {
		return 0, 0, l.fail(l.at, "the string that begins here is not closed; expected %c at its end", l.text[l.at])
	}
	return 0, 0, l.fail(i, `\%s is no escape; expected one of \" \' \\ \n \t \r \b \f \uXXXX (a backslash itself is \\)`, printable(string(c)))
}

// unicodeEscape reads \uXXXX, or two of them that are a surrogate pair.
func (l *lexer) unicodeEscape(i int) (r rune, n int, err error) {
	r, ok := hex4(l.text[i:])
	if !ok {
		return 0, 0, l.fail(i, `expected four hexadecimal digits after \u`)
	}
	if !utf16.IsSurrogate(r) {
		return r, 6, nil
	}
	if low, ok := hex4(l.text[i+6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12, nil
		}
	}
	return 0, 0, l.fail(i, `\u%04x is half of a surrogate pair; expected the other half beside it`, r)
}

// hex4 reads the \uXXXX that s begins with.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
