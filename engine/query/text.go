package query

import (
	"strconv"

	"tocsin/engine"
)

var operatorTexts = [...]string{equal: "=", notEqual: "!=", less: "<", lessEqual: "<=", greater: ">", greaterEqual: ">="}

// text shows a condition on one field, as it is written.
func text(n node) string {
	switch n := n.(type) {
	case compareNode:
		return n.String()
	case patternNode:
		if n.re != nil {
			return n.of.String() + " ~= " + strconv.Quote(n.re.String())
		}
		return n.of.String() + " =~ " + strconv.Quote(n.wildcard)
	case presentNode:
		return n.field.Name()
	}
	return "a condition"
}

// String shows the comparison as it is written.
func (n compareNode) String() string {
	return n.left.String() + " " + operatorTexts[n.op] + " " + n.right.String()
}

// String shows the operand as it is written.
func (o operand) String() string {
	switch {
	case o.isField:
		return o.field.Name()
	case o.value.Kind == engine.Text:
		return strconv.Quote(o.value.Str)
	}
	return o.value.String()
}
