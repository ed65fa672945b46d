package rules

import (
	"errors"
	"testing"
)

// FuzzPattern matches any pattern with any text: a match lies within the text,
// and it ends soon after it was told to stop.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"hello", "l+"}, {"key = value", "^(%w+)%s*=%s*(%w+)$"}, {"f(a(b))", "%b()"}, {"THE (quick)", "%f[%a]%a+()"},
		{"aaa", "(a*)%1-$"}, {"x]", "[]^%]-a]?"}, {"", ""}, {"a", "%"}, {"a", "["}, {"a", "(()"}, {"aaaaaaaaaaaaaaaaaaaa", "a-a-a-a-a-a-b"},
	} {
		f.Add(seed[0], seed[1])
	}
	stop := errors.New("stop")
	f.Fuzz(func(t *testing.T, text, pattern string) {
		looks := 0
		m := &matcher{src: text, pattern: pattern, left: lookSteps, look: func() error {
			if looks++; looks == 100 {
				return stop
			}
			if looks > 100 {
				t.Fatal("it went on after it was stopped")
			}
			return nil
		}}
		start, end, err := m.next(0, false)
		if err != nil || start < 0 {
			return
		}
		if start > end || end > len(text) {
			t.Fatalf("a match from %d to %d of %d", start, end, len(text))
		}
		for i := range m.level {
			if c := m.captures[i]; c.size >= 0 && (c.start < start || c.start+c.size > end) {
				t.Fatalf("capture %d from %d of size %d, in a match from %d to %d", i, c.start, c.size, start, end)
			}
		}
	})
}
