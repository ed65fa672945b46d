package query

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	events := []fields{
		{},
		{"host": "web1", "service": "nginx requests", "state": "ok", "metric": 4.0, "tags": []string{"prod", "eu"}, "role": "4"},
		{"state": "expired", "description": "x", "time": 1.5, "ttl": 60.0},
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			checkSyntaxError(t, text, err)
			return
		}
		if q.String() != text {
			t.Errorf("String() is %q", q.String())
		}
		for _, e := range events {
			decide(t, q, event(e))
		}
		// A query in parentheses is the same query, if there is room for them.
		again, err := Parse("(" + text + ")")
		if err != nil {
			if len(text)+2 <= maxText && !strings.Contains(err.Error(), "too deep") {
				t.Errorf("in parentheses: %v", err)
			}
			return
		}
		for _, e := range events {
			if decide(t, q, event(e)) != decide(t, again, event(e)) {
				t.Errorf("parentheses change what %q means", text)
			}
		}
	})
}

func checkSyntaxError(t *testing.T, text string, err error) {
	t.Helper()
	var e *SyntaxError
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	lines := strings.Split(text, "\n")
	if e.Offset < 0 || e.Offset > len(text) || e.Line < 1 || e.Line > len(lines) || e.Column < 1 ||
		e.Column > 1+utf8.RuneCountInString(lines[e.Line-1]) {
		t.Errorf("a place outside the text: %+v", e)
	}
	if shown := err.Error(); !strings.Contains(shown, "^") || len(shown) > 8000 || !utf8.ValidString(shown) {
		t.Errorf("a bad message: %q", shown)
	}
}
