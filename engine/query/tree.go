package query

import (
	"regexp"

	"tocsin/engine"
)

// node is a condition. The tree is what was written, but for nested chains of
// one operator, which are one node.
type node interface {
	// compile makes the closures that decide about the condition.
	compile(env *Env) code
}

type (
	andNode     []node
	orNode      []node
	notNode     struct{ of node }
	constNode   bool
	taggedNode  string
	expiredNode struct{}
	// presentNode holds when the event has the field.
	presentNode struct{ field engine.Field }
	// compareNode is a comparison by = != < <= > >=.
	compareNode struct {
		op          operator
		left, right operand
	}
	// patternNode is a comparison by =~ (wildcard) or ~= (re is set).
	patternNode struct {
		of       operand
		wildcard string
		re       *regexp.Regexp
	}
)

// operand is one side of a comparison: a field, or else a literal.
type operand struct {
	isField bool
	field   engine.Field
	value   engine.Value
}

type operator uint8

const (
	equal operator = iota
	notEqual
	less
	lessEqual
	greater
	greaterEqual
)
