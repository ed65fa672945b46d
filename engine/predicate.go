package engine

// Verdict is what an identity alone decides about a predicate.
type Verdict uint8

// The verdicts.
const (
	Maybe  Verdict = iota // the event decides
	Never                 // no event of this identity can match
	Always                // every event of this identity matches
)

// Predicate decides about events: a query, or a function of a rules file. It
// is called on the engine's goroutine only, may not keep the event, and must
// be a pure function of it. An error (only a function of a rules file can
// fail) means that the event could not be decided.
type Predicate interface {
	// Static says what the identity alone decides. The engine asks once per
	// identity and remembers the answer.
	Static(*Identity) Verdict
	// Match decides about an event from scratch.
	Match(*Event) (bool, error)
	// Rest decides about an event of an identity for which Static said Maybe.
	Rest(*Event) (bool, error)
}

// Literals is an optional ability of a Predicate: conditions of the form
// "field = text" or "tagged text", each of which must hold in every event
// that matches. The router finds the predicates that an identity can match by
// looking such conditions up, instead of asking each predicate.
type Literals interface {
	Literals() []Literal
}

// Literal is one condition. Tag means "tagged Text", and Field is not used.
type Literal struct {
	Field Field
	Tag   bool
	Text  string
}
