package query

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

// Few names and texts, so that queries and events often meet.
var (
	fieldNames = []string{"host", "service", "state", "description", "time", "metric", "ttl", "tags", "role", "a.b", "größe", "x-y", "and"}
	someTexts  = []string{"", "a", "ab", "aba", "b", "4", "4.0", "-1", "5e0", "1e999", "nan", "true", "ok", "expired", "é\n\"'\\", "🔔", "a,b"}
	someNums   = []float64{0, 4, -1, 5, 0.5, 60, 100, 1e300}
	wildcards  = []string{"", "%", "a%", "%a", "%b%", "a%a", "a%b%a", "%a%b%", "ab", "4%", "%,%"}
	regexps    = []string{"", "a", "^a", "b$", "^4(\\.0)?$", "[ab]+", "(?i)OK", "\\n"}
)

func drawOperand(t *rapid.T) operand {
	switch rapid.IntRange(0, 9).Draw(t, "operand") {
	case 0, 1:
		return operand{value: engine.TextValue(rapid.SampledFrom(someTexts).Draw(t, "text"))}
	case 2, 3:
		return operand{value: engine.NumberValue(rapid.SampledFrom(someNums).Draw(t, "number"))}
	case 4:
		return rapid.SampledFrom([]operand{{}, {value: engine.BoolValue(true)}, {value: engine.BoolValue(false)}}).Draw(t, "word")
	}
	return operand{isField: true, field: drawField(t)}
}

func drawField(t *rapid.T) engine.Field {
	names := append([]string{"metric", "metric", "host", "role"}, fieldNames...) // the commonest have the most short cuts
	return engine.FieldNamed(rapid.SampledFrom(names).Draw(t, "field"))
}

func drawNode(t *rapid.T, depth int) node {
	kind := rapid.IntRange(0, 12).Draw(t, "node")
	if depth == 0 {
		kind %= 8
	}
	switch kind {
	case 0, 1, 2, 3:
		return compareNode{operator(rapid.IntRange(int(equal), int(greaterEqual)).Draw(t, "op")), drawOperand(t), drawOperand(t)}
	case 4:
		if rapid.Bool().Draw(t, "wildcard") {
			return patternNode{of: drawOperand(t), wildcard: rapid.SampledFrom(wildcards).Draw(t, "pattern")}
		}
		return patternNode{of: drawOperand(t), re: regexp.MustCompile(rapid.SampledFrom(regexps).Draw(t, "regexp"))}
	case 5:
		return taggedNode(rapid.SampledFrom(someTexts).Draw(t, "tag"))
	case 6:
		return presentNode{drawField(t)}
	case 7:
		return rapid.SampledFrom([]node{expiredNode{}, constNode(true), constNode(false)}).Draw(t, "word")
	case 8:
		return notNode{drawNode(t, depth-1)}
	}
	var parts []node
	for range rapid.IntRange(2, 4).Draw(t, "parts") {
		parts = append(parts, drawNode(t, depth-1))
	}
	if kind < 11 {
		return andNode(parts)
	}
	return orNode(parts)
}

// render writes a node as a person might, with blanks and parentheses that
// are needed, and some that are not.
func render(t *rapid.T, n node) string {
	blank := func() string { return rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "blank") }
	nested := func(n node, inside bool) string {
		s := render(t, n)
		if inside || rapid.IntRange(0, 9).Draw(t, "parentheses") == 0 {
			return "(" + blank() + s + blank() + ")"
		}
		return " " + s + " "
	}
	var parts []string
	switch n := n.(type) {
	case andNode:
		for _, part := range n {
			_, or := part.(orNode)
			parts = append(parts, nested(part, or))
		}
		return strings.Join(parts, "and")
	case orNode:
		for _, part := range n {
			parts = append(parts, nested(part, false))
		}
		return strings.Join(parts, "or")
	case notNode:
		_, and := n.of.(andNode)
		_, or := n.of.(orNode)
		return "not" + nested(n.of, and || or)
	case constNode:
		return strconv.FormatBool(bool(n))
	case taggedNode:
		return "tagged" + blank() + renderText(t, string(n))
	case expiredNode:
		return "expired"
	case presentNode:
		return renderOperand(t, operand{isField: true, field: n.field})
	case compareNode:
		op := []string{"=", "!=", "<", "<=", ">", ">="}[n.op]
		return renderOperand(t, n.left) + blank() + op + blank() + renderOperand(t, n.right)
	case patternNode:
		if n.re != nil {
			return renderOperand(t, n.of) + blank() + "~=" + blank() + renderText(t, n.re.String())
		}
		return renderOperand(t, n.of) + blank() + "=~" + blank() + renderText(t, n.wildcard)
	}
	panic("a node that cannot be rendered")
}

func renderOperand(t *rapid.T, o operand) string {
	switch {
	case o.isField && slices.Contains([]string{"x-y", "and"}, o.field.Name()):
		return "attr " + renderText(t, o.field.Name())
	case o.isField:
		return o.field.Name()
	case o.value.Kind == engine.Text:
		return renderText(t, o.value.Str)
	}
	return o.value.String()
}

func renderText(t *rapid.T, s string) string {
	quote := rapid.SampledFrom([]string{`"`, `'`}).Draw(t, "quote")
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "🔔", `\ud83d\udd14`, "é", `\u00e9`).Replace(s) + quote
}

func drawEvent(t *rapid.T) *engine.Event {
	var f = fields{"arrival": float64(rapid.IntRange(0, 3).Draw(t, "arrival") * 50)}
	texts, numbers := rapid.SampledFrom(someTexts), rapid.SampledFrom(append(slices.Clone(someNums), math.NaN()))
	for _, name := range fieldNames {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		switch name {
		case "time", "metric", "ttl":
			f[name] = numbers.Draw(t, name)
		case "tags":
			f[name] = rapid.SliceOfN(texts, 0, 3).Draw(t, name)
		default:
			f[name] = texts.Draw(t, name)
		}
	}
	return event(f)
}

// TestClosuresAgreeWithReference holds the parser, the closures and the split
// to the naive evaluation of the tree that the text was made of.
func TestClosuresAgreeWithReference(t *testing.T) {
	env := &Env{
		Now:        func() engine.Time { return engine.TimeOf(100) },
		DefaultTTL: func() time.Duration { return 50 * time.Second },
	}
	rapid.Check(t, func(t *rapid.T) {
		var events []*engine.Event
		for range 20 {
			events = append(events, drawEvent(t))
		}
		for range 30 {
			root := drawNode(t, rapid.IntRange(0, 3).Draw(t, "depth"))
			text := render(t, root)
			q, err := ParseWith(text, env)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if got, want := decide(t, q, e), reference(root, e, env); got != want {
					t.Fatalf("%s: %v, and the reference says %v of %+v %+v", text, got, want, *e, e.ID.Parts())
				}
			}
		}
	})
}
