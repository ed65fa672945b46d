package query

import (
	"errors"
	"strings"
	"testing"
)

func TestMistakes(t *testing.T) {
	for _, test := range []struct{ text, caret, reason string }{
		// The caret line is under "    " + text.
		{``, `^`, `the query is empty; expected a condition such as metric > 5, or true for every event`},
		{`  `, `^`, `the query is empty`},
		{`metric == 5`, `       ^`, `"==" is no operator here; "=" compares`},
		{`metric => 5`, `       ^`, `"greater or equal" is ">="`},
		{`metric =< 5`, `       ^`, `"less or equal" is "<="`},
		{`metric <> 5`, `       ^`, `"not equal" is "!="`},
		{`a && b`, `  ^`, `"&&" is no operator here; expected "and"`},
		{`a & b`, `  ^`, `"&" is no operator here; expected "and"`},
		{`a || b`, `  ^`, `"||" is no operator here; expected "or"`},
		{`!a`, `^`, `"!" is no operator here; expected "not"`},
		{`host !~ "a"`, `     ^`, `expected "not" before the condition`},
		{`host ~ "a"`, `     ^`, `expected "=~" (with %) or "~=" (a regular expression)`},
		{`5`, `^`, `the number 5 is no condition by itself; expected a comparison`},
		{`"a" and b`, `^`, `the string "a" is no condition by itself; expected a comparison`},
		{`("a")`, ` ^`, `the string "a" is no condition by itself`},
		{`5 foo`, `  ^`, `expected a comparison (= != < <= > >= =~ ~=) after the number 5, found "foo"`},
		{`host = "a`, `       ^`, `the string that begins here is not closed; expected " at its end`},
		{`host = 'a\`, `       ^`, `the string that begins here is not closed; expected ' at its end`},
		{`not (a or (b)`, `    ^`, `the parenthesis that begins here is not closed; expected ")"`},
		{`a)`, ` ^`, `or the end, found ")": nothing is open`},
		{`()`, ` ^`, `expected a condition, found ")"`},
		{`host ~= "\d"`, `         ^`, `\d is no escape; expected one of \" \' \\ \n \t \r \b \f \uXXXX (a backslash itself is \\)`},
		{`host = "\u12g4"`, `        ^`, `expected four hexadecimal digits after \u`},
		{`host = "\ud83d"`, `        ^`, `\ud83d is half of a surrogate pair`},
		{`host = "\udd14\ud83d"`, `        ^`, `\udd14 is half of a surrogate pair`},
		{`host ~= "a("`, `        ^`, "expected a regular expression (RE2): missing closing ): `a(`"},
		{`host =~ 5`, `        ^`, `expected a string after =~, found the number 5`},
		{`metric ~= 5`, `          ^`, `expected a string after ~=, found the number 5 ("not equal" is "!=")`},
		{`host =~ service`, `        ^`, `expected a string after =~, found "service"`},
		{`a b`, `  ^`, `expected a comparison (= != < <= > >= =~ ~=), "and", "or" or the end, found "b"`},
		{`host is "a"`, `     ^`, `found "is": write "="`},
		{`host like "a"`, `     ^`, `found "like": write =~, with % for any run of characters`},
		{`host in "a"`, `     ^`, `joined with "or"`},
		{`host contains "a"`, `     ^`, `write =~ "%…%"`},
		{`host matches "a"`, `     ^`, `write "~="`},
		{`host ne "a"`, `     ^`, `write "!="`},
		{`host not = "a"`, `     ^`, `"not" goes before the whole condition`},
		{`a AND b`, `  ^`, `found "AND": write "and"`},
		{`a = 1 Or b`, `      ^`, `found "Or": write "or"`},
		{`NOT a`, `^`, `"NOT" is no word of the language; expected "not"`},
		{`Tagged "a"`, `^`, `"Tagged" is no word of the language; expected "tagged"`},
		{`metric > 5 and`, `              ^`, `expected a condition, found the end`},
		{`metric >  `, `        ^`, `expected a field or a literal after >, found the end`},
		{`metric > > 5`, `         ^`, `expected a field or a literal after >, found ">"`},
		{`and a`, `^`, `expected a condition, found the word "and" of the language`},
		{`state = expired`, `        ^`, `found the word "expired" of the language (the text is "expired", the attribute attr "expired")`},
		{`tagged prod`, `       ^`, `expected a string after "tagged", as in tagged "prod", found "prod"`},
		{`attr = 5`, `     ^`, `expected a string after "attr", as in attr "and", found "="`},
		{`1 < metric < 5`, `           ^`, `comparisons are joined with "and", as in 1 < metric and metric < 5`},
		{`(metric) > 5`, `         ^`, `parentheses go around conditions, not around fields or literals`},
		{`host = web-1`, `          ^`, `expected attr "web-1" if it is an attribute, "web-1" if it is a text`},
		{`ip = 10.0.0.1`, `     ^`, `"10.0.0.1" is no number; expected one such as 5, -0.5 or 1e6, or a text in quotes`},
		{`ttl > 5s`, `      ^`, `"5s" is no number`},
		{`metric > 1e999`, `         ^`, `the number is too large or too long; expected at most 1.8e308, in 64 characters`},
		{`host = “a”`, `       ^`, `expected a string in straight quotes, " or '`},
		{`a; b`, ` ^`, `unexpected ';'; expected a field, a literal or an operator`},
		{"a = \u200b5", `    ^`, `unexpected '\u200b'`},
		{"größe = \t 5 x", "        \t   ^", `found "x"`},
		{`host = "鐘e` + "\u0301" + `" x`, `             ^`, `found "x"`},
	} {
		_, err := Parse(test.text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if !strings.Contains(lines[0], test.reason) {
			t.Errorf("%s:\n got %s\nwant %s", test.text, lines[0], test.reason)
		}
		if caret := lines[len(lines)-1]; caret != "    "+test.caret {
			t.Errorf("%s: the caret is misplaced:\n%v", test.text, err)
		}
	}
}

func TestErrorOfManyLines(t *testing.T) {
	_, err := Parse("service = \"x\"\r\n\tand metric == 5\n\n and true")
	const want = "cannot parse query: line 2: \"==\" is no operator here; \"=\" compares\n" +
		"    service = \"x\"\n" +
		"    \tand metric == 5\n" +
		"    \t           ^\n" +
		"\n" +
		"     and true"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 2 || syntax.Column != 13 || syntax.Offset != 27 {
		t.Errorf("%+v", syntax)
	}
}

func TestErrorOfLongText(t *testing.T) {
	long := strings.Repeat("metric > 5 and ", 100)
	_, err := Parse(strings.Repeat("true and\n", 50) + long + "== 5 and " + long)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	shown, caret := lines[len(lines)-2], lines[len(lines)-1]
	if len(err.Error()) > 1000 || len(lines) != 1+linesAround+2 {
		t.Errorf("too much is shown:\n%v", err)
	}
	if at := []rune(shown)[len(caret)-1:]; string(at[:2]) != "==" {
		t.Errorf("the caret is misplaced:\n%v", err)
	}
}

func TestErrorShowsNoControlCharacters(t *testing.T) {
	for _, text := range []string{"host = \"\x1b[31m\" x", "\x1b[31m", `host ~= "(` + "\x1b[31m" + `"`, "\"\\\x1b\"", "host = '\u009b' x"} {
		_, err := Parse(text)
		if err == nil || strings.ContainsAny(err.Error(), "\x1b\u009b") {
			t.Errorf("%q: %q", text, err)
		}
	}
}

func TestBounds(t *testing.T) {
	good := []string{
		strings.Repeat("not ", maxDepth) + "true",
		strings.Repeat("(", maxDepth) + "true" + strings.Repeat(")", maxDepth),
		"host = \"" + strings.Repeat("x", maxText-9) + "\"",
		strings.Repeat("(a)and", 9999) + " a",
		strings.Repeat("((a))or", 9000) + " a",
	}
	for _, text := range good {
		if _, err := Parse(text); err != nil {
			t.Errorf("%.20s…: %v", text, err)
		}
	}
	for text, reason := range map[string]string{
		strings.Repeat("not ", maxDepth+1) + "true":                                        "nested too deep; expected at most 200 levels",
		strings.Repeat("(", maxDepth+1) + "true" + strings.Repeat(")", maxDepth+1):         "nested too deep",
		strings.Repeat("not (", maxDepth/2+1) + "true" + strings.Repeat(")", maxDepth/2+1): "nested too deep",
		"host = \"" + strings.Repeat("x", maxText-8) + "\"":                                "the text has 65537 bytes; expected at most 65536",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.20s…: %v", text, err)
		}
	}
}
