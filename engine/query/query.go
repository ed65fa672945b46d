package query

import (
	"time"

	"tocsin/engine"
)

// Query is a parsed query. It never changes, so any goroutine may use it, as
// far as the functions of its Env allow that.
type Query struct {
	text     string
	code     code
	literals []engine.Literal
}

var (
	_ engine.Predicate = (*Query)(nil)
	_ engine.Literals  = (*Query)(nil)
)

// Env is what the word "expired" needs to know beyond the event. Its functions
// are called from Match and Rest, on the goroutine that called those.
type Env struct {
	// Now is the clock. Without it, only an event whose state is "expired" is
	// expired.
	Now func() engine.Time
	// DefaultTTL is the ttl of events that have none; nil means
	// engine.DefaultTTL.
	DefaultTTL func() time.Duration
	// Expiry returns when an event that arrived at some instant expires, with that
	// ttl; nil means arrival + ttl. See Engine.After.
	Expiry func(arrival engine.Time, ttl time.Duration) engine.Time
}

// Parse is ParseWith without a clock: "expired" goes by the state alone.
func Parse(text string) (*Query, error) { return ParseWith(text, nil) }

// ParseWith reads a query of at most 64 KiB, nested at most 200 deep. The
// error is always a *SyntaxError. It keeps env, which may be nil.
func ParseWith(text string, env *Env) (*Query, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &Query{text: text, code: root.compile(env), literals: literals(root, nil)}, nil
}

// String returns the text that the query was made of.
func (q *Query) String() string { return q.text }

// Static says what the identity alone decides about its events.
func (q *Query) Static(id *engine.Identity) engine.Verdict { return q.code.static(id) }

// Match decides about an event from scratch. The error is always nil.
func (q *Query) Match(e *engine.Event) (bool, error) { return q.code.match(e), nil }

// Rest decides about an event for whose identity Static said Maybe. For any
// other event its answer means nothing. The error is always nil.
func (q *Query) Rest(e *engine.Event) (bool, error) { return q.code.rest(e), nil }

// Literals returns conditions that hold in every event that matches. The
// slice belongs to the query.
func (q *Query) Literals() []engine.Literal { return q.literals }

// literals appends the conditions "field = text" and "tagged text" that n
// cannot hold without.
func literals(n node, to []engine.Literal) []engine.Literal {
	switch n := n.(type) {
	case andNode:
		for _, part := range n {
			to = literals(part, to)
		}
	case taggedNode:
		to = append(to, engine.Literal{Tag: true, Text: string(n)})
	case patternNode:
		if same, ok := n.asEquality(); ok {
			to = literals(same, to)
		}
	case compareNode:
		n = n.literalRight()
		// Tags are asked for by "tagged"; their joined text finds no rule.
		if n.op == equal && n.left.isField && n.left.field.IsStatic() && !n.left.isTags() &&
			!n.right.isField && n.right.value.Kind == engine.Text {
			to = append(to, engine.Literal{Field: n.left.field, Text: n.right.value.Str})
		}
	}
	return to
}
