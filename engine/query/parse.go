package query

import (
	"regexp"
	"slices"
	"strings"

	"tocsin/engine"
)

// The bounds on what is parsed.
const (
	maxText  = 64 << 10
	maxDepth = 200
)

func operatorOf(t token) (op operator, ok bool) {
	i := slices.Index([]string{"=", "!=", "<", "<=", ">", ">="}, t.raw)
	return operator(i), t.kind == tokenSymbol && i >= 0
}

func isPatternOperator(t token) bool { return t.isSymbol("=~") || t.isSymbol("~=") }

func isReserved(word string) bool {
	switch word {
	case "and", "or", "not", "true", "false", "nil", "null", "tagged", "expired", "attr":
		return true
	}
	return false
}

// parser makes a tree of tokens, by recursive descent.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	// bare is the token before the current one, if it stands for a condition
	// that is only a field, as the misspelt word of a mistake does.
	bare token
}

func parse(text string) (node, error) {
	if len(text) > maxText {
		return nil, syntaxError(text, maxText, "the text has %d bytes; expected at most %d", len(text), maxText)
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens}
	if p.peek().kind == tokenEnd {
		return nil, p.fail(p.peek(), "the query is empty; expected a condition such as metric > 5, or true for every event")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokenEnd {
		return nil, p.unexpected("the end")
	}
	return n, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the current token and goes on to the one after it. It stays at
// the end.
func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) fail(t token, format string, args ...any) error {
	return syntaxError(p.text, t.at, format, args...)
}

func (p *parser) or() (node, error) {
	parts, err := p.chain("or", p.and)
	if len(parts) == 1 || err != nil {
		return first(parts), err
	}
	var out orNode
	for _, part := range parts {
		if inner, ok := part.(orNode); ok {
			out = append(out, inner...)
		} else {
			out = append(out, part)
		}
	}
	return out, nil
}

func (p *parser) and() (node, error) {
	parts, err := p.chain("and", p.not)
	if len(parts) == 1 || err != nil {
		return first(parts), err
	}
	var out andNode
	for _, part := range parts {
		if inner, ok := part.(andNode); ok {
			out = append(out, inner...)
		} else {
			out = append(out, part)
		}
	}
	return out, nil
}

// chain reads one or more parts with word between them.
func (p *parser) chain(word string, part func() (node, error)) ([]node, error) {
	var parts []node
	for {
		n, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if !p.peek().isWord(word) {
			return parts, nil
		}
		p.next()
	}
}

func first(parts []node) node {
	if len(parts) == 0 {
		return nil
	}
	return parts[0]
}

func (p *parser) not() (node, error) {
	t := p.peek()
	if !t.isWord("not") {
		return p.condition()
	}
	p.next()
	if err := p.enter(t); err != nil {
		return nil, err
	}
	n, err := p.not()
	p.depth--
	return notNode{n}, err
}

// enter counts a level of nesting that begins at t.
func (p *parser) enter(t token) error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(t, "the query is nested too deep; expected at most %d levels", maxDepth)
	}
	return nil
}

func (p *parser) condition() (node, error) {
	p.bare = token{}
	switch t := p.peek(); {
	case t.isSymbol("("):
		return p.parenthesis()
	case t.isWord("expired"):
		p.next()
		return expiredNode{}, nil
	case t.isWord("tagged"):
		p.next()
		tag := p.next()
		if tag.kind != tokenText {
			return nil, p.fail(tag, `expected a string after "tagged", as in tagged "prod", found %v`, tag)
		}
		return taggedNode(tag.text), nil
	}
	t := p.peek()
	left, err := p.operand("a condition")
	if err != nil {
		return nil, err
	}
	if op, ok := operatorOf(p.peek()); ok {
		sign := p.next()
		right, err := p.operand("a field or a literal after " + sign.raw)
		return compareNode{op, left, right}, err
	}
	if isPatternOperator(p.peek()) {
		return p.pattern(left)
	}
	return p.alone(t, left)
}

func (p *parser) parenthesis() (node, error) {
	open := p.next()
	if err := p.enter(open); err != nil {
		return nil, err
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	p.depth--
	if p.peek().kind == tokenEnd {
		return nil, p.fail(open, `the parenthesis that begins here is not closed; expected ")"`)
	}
	if !p.peek().isSymbol(")") {
		return nil, p.unexpected(`")"`)
	}
	p.next()
	p.bare = token{}
	return n, nil
}

// operand reads a field or a literal. What names what is expected here.
func (p *parser) operand(what string) (operand, error) {
	t := p.next()
	switch t.kind {
	case tokenText:
		return operand{value: engine.TextValue(t.text)}, nil
	case tokenNumber:
		return operand{value: engine.NumberValue(t.num)}, nil
	case tokenWord:
		switch t.raw {
		case "true", "false":
			return operand{value: engine.BoolValue(t.raw == "true")}, nil
		case "nil", "null":
			return operand{}, nil
		case "attr":
			name := p.next()
			if name.kind != tokenText {
				return operand{}, p.fail(name, `expected a string after "attr", as in attr "and", found %v`, name)
			}
			return operand{isField: true, field: engine.AttrField(name.text)}, nil
		}
		if isReserved(t.raw) {
			return operand{}, p.fail(t, "expected %s, found the word %q of the language (the text is %q, the attribute attr %q)", what, t.raw, t.raw, t.raw)
		}
		return operand{isField: true, field: engine.FieldNamed(t.raw)}, nil
	}
	return operand{}, p.fail(t, "expected %s, found %v", what, t)
}

// pattern reads the rest of a comparison by =~ or ~=.
func (p *parser) pattern(left operand) (node, error) {
	sign, t := p.next(), p.next()
	if t.kind != tokenText {
		hint := ""
		if sign.raw == "~=" {
			hint = ` ("not equal" is "!=")`
		}
		return nil, p.fail(t, "expected a string after %s, found %v%s", sign.raw, t, hint)
	}
	if sign.raw == "=~" {
		return patternNode{of: left, wildcard: t.text}, nil
	}
	re, err := regexp.Compile(t.text)
	if err != nil {
		reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return nil, p.fail(t, "expected a regular expression (RE2): %s", printable(reason))
	}
	return patternNode{of: left, re: re}, nil
}

// alone makes a condition of an operand without a comparison, which began at t.
func (p *parser) alone(t token, of operand) (node, error) {
	switch {
	case of.isField:
		p.bare = t
		return presentNode{of.field}, nil
	case of.value.Kind == engine.Number || of.value.Kind == engine.Text:
		if p.peek().kind != tokenEnd && !p.peek().isWord("and") && !p.peek().isWord("or") && !p.peek().isSymbol(")") {
			return nil, p.fail(p.peek(), "expected a comparison (%s) after %v, found %v", comparisons, t, p.peek())
		}
		return nil, p.fail(t, "%v is no condition by itself; expected a comparison, as in metric > 5 or host = \"a\"", t)
	}
	return constNode(of.value.Num != 0), nil
}

const comparisons = "= != < <= > >= =~ ~="

// unexpected explains why the current token cannot follow a whole condition,
// after which end would have been right as well.
func (p *parser) unexpected(end string) error {
	t, expected := p.peek(), `"and", "or" or `+end
	if p.bare.kind == tokenWord {
		expected = "a comparison (" + comparisons + "), " + expected
	}
	hint := ""
	_, compares := operatorOf(t)
	lower := strings.ToLower(p.bare.raw)
	switch {
	case p.bare.raw != lower && isReserved(lower):
		return p.fail(p.bare, "%q is no word of the language; expected %q", p.bare.raw, lower)
	case t.kind == tokenWord:
		hint = wordHint(t.raw)
	case t.isSymbol(")"):
		hint = ": nothing is open"
	case (compares || isPatternOperator(t)) && p.tokens[p.at-1].isSymbol(")"):
		hint = ": parentheses go around conditions, not around fields or literals"
	case compares || isPatternOperator(t):
		hint = `: comparisons are joined with "and", as in 1 < metric and metric < 5`
	}
	return p.fail(t, "expected %s, found %v%s", expected, t, hint)
}

// wordHint tells what someone probably meant who wrote this word for an operator.
func wordHint(word string) string {
	switch lower := strings.ToLower(word); lower {
	case "and", "or":
		return `: write "` + lower + `"`
	case "not":
		return `: "not" goes before the whole condition`
	case "is", "eq", "equals":
		return `: write "="`
	case "ne", "neq", "isnt":
		return `: write "!="`
	case "in":
		return `: write = for each, joined with "or"`
	case "like", "glob":
		return `: write =~, with % for any run of characters`
	case "contains":
		return `: write =~ "%…%"`
	case "matches", "regex", "regexp":
		return `: write "~="`
	}
	return ""
}
