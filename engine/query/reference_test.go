package query

import (
	"regexp"
	"strconv"
	"strings"

	"tocsin/engine"
)

// reference decides about an event as the language's page says it, one
// sentence after the other, without any of the short cuts of the closures.
func reference(n node, e *engine.Event, env *Env) bool {
	switch n := n.(type) {
	case andNode:
		for _, part := range n {
			if !reference(part, e, env) {
				return false
			}
		}
		return true
	case orNode:
		for _, part := range n {
			if reference(part, e, env) {
				return true
			}
		}
		return false
	case notNode:
		return !reference(n.of, e, env)
	case constNode:
		return bool(n)
	case taggedNode:
		for _, tag := range e.ID.Labels.Tags {
			if tag == string(n) {
				return true
			}
		}
		return false
	case expiredNode:
		if v := engine.FieldNamed("state").Of(e); v == engine.TextValue("expired") {
			return true
		}
		ttl := env.DefaultTTL()
		if v := engine.FieldNamed("ttl").Of(e); v.Kind == engine.Number {
			ttl = e.TTL
		}
		return env.Now() != e.Arrival && env.Now().Sub(e.Arrival) >= ttl
	case presentNode:
		return n.field.Of(e) != engine.Value{}
	case compareNode:
		return referenceCompare(n.op, n.left, n.right, e)
	case patternNode:
		v := referenceValue(n.of, e)
		re := n.re
		if re == nil {
			re = regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(n.wildcard), "%", ".*") + `\z`)
		}
		return v.Kind == engine.Text && re.MatchString(v.Str)
	}
	panic("a node that the reference does not know")
}

func referenceValue(o operand, e *engine.Event) engine.Value {
	if o.isField {
		return o.field.Of(e)
	}
	return o.value
}

var decimal = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)

func referenceCompare(op operator, left, right operand, e *engine.Event) bool {
	a, b := referenceValue(left, e), referenceValue(right, e)
	asNumber := func(o operand, v, other engine.Value) engine.Value {
		if !o.isField || !o.field.IsAttr() || other.Kind != engine.Number || !decimal.MatchString(v.Str) {
			return v
		}
		n, err := strconv.ParseFloat(v.Str, 64)
		if err != nil {
			return v
		}
		return engine.NumberValue(n)
	}
	a, b = asNumber(left, a, b), asNumber(right, b, a)
	numbers := a.Kind == engine.Number && b.Kind == engine.Number
	switch op {
	case equal:
		return a == b
	case notEqual:
		return !(a == b)
	case less:
		return numbers && a.Num < b.Num
	case lessEqual:
		return numbers && a.Num <= b.Num
	case greater:
		return numbers && a.Num > b.Num
	case greaterEqual:
		return numbers && a.Num >= b.Num
	}
	panic("an operator that the reference does not know")
}
