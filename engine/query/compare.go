package query

import (
	"strings"

	"tocsin/engine"
)

func isTags(f engine.Field) bool { return f.Name() == "tags" && !f.IsAttr() }

func (o operand) isTags() bool { return o.isField && isTags(o.field) }

func (o operand) isAttr() bool { return o.isField && o.field.IsAttr() }

// kind returns what the operand is when it is there.
func (o operand) kind() engine.Kind {
	if !o.isField {
		return o.value.Kind
	}
	if !o.field.IsAttr() {
		switch o.field.Name() {
		case "metric", "time", "ttl":
			return engine.Number
		}
	}
	return engine.Text
}

// mayBeAbsent reports whether the operand can be nil.
func (o operand) mayBeAbsent() bool { return o.isField || o.value.Kind == engine.Absent }

// isStatic reports whether the identity alone decides the operand.
func (o operand) isStatic() bool { return !o.isField || o.field.IsStatic() }

func (o operand) of(e *engine.Event) engine.Value {
	if o.isField {
		return o.field.Of(e)
	}
	return o.value
}

func (o operand) ofIdentity(id *engine.Identity) engine.Value {
	if o.isField {
		return o.field.OfIdentity(id)
	}
	return o.value
}

// literalRight returns the same comparison with the literal, if there is one,
// on the right.
func (n compareNode) literalRight() compareNode {
	if n.left.isField || !n.right.isField {
		return n
	}
	n.left, n.right = n.right, n.left
	switch n.op {
	case less:
		n.op = greater
	case lessEqual:
		n.op = greaterEqual
	case greater:
		n.op = less
	case greaterEqual:
		n.op = lessEqual
	}
	return n
}

// canBeTwoNumbers reports whether both sides can count as numbers.
func (n compareNode) canBeTwoNumbers() bool {
	l, r := n.left.kind() == engine.Number, n.right.kind() == engine.Number
	return l && r || l && n.right.isAttr() || r && n.left.isAttr()
}

// canBeEqual reports whether any event makes the two sides equal.
func (n compareNode) canBeEqual() bool {
	return n.left.kind() == n.right.kind() || n.canBeTwoNumbers() ||
		n.left.mayBeAbsent() && n.right.mayBeAbsent()
}

// holds decides about the values of the two sides.
func (n compareNode) holds(a, b engine.Value) bool {
	// An attribute counts as a number only beside one.
	if a.Kind == engine.Text && b.Kind == engine.Number && n.left.isAttr() {
		a = attrNumber(a)
	} else if b.Kind == engine.Text && a.Kind == engine.Number && n.right.isAttr() {
		b = attrNumber(b)
	}
	switch n.op {
	case equal:
		return a == b
	case notEqual:
		return a != b
	}
	if a.Kind != engine.Number || b.Kind != engine.Number {
		return false
	}
	switch n.op {
	case less:
		return a.Num < b.Num
	case lessEqual:
		return a.Num <= b.Num
	case greater:
		return a.Num > b.Num
	}
	return a.Num >= b.Num
}

func attrNumber(v engine.Value) engine.Value {
	if num, ok := readNumber(v.Str); ok {
		return engine.NumberValue(num)
	}
	return v
}

// compile takes the shortest way to the answer; the general one is at its end.
func (n compareNode) compile(env *Env) code {
	n = n.literalRight()
	equality := n.op == equal || n.op == notEqual
	literal := n.left.isField && !n.right.isField
	switch {
	case equality && !n.canBeEqual():
		return constNode(n.op == notEqual).compile(env)
	case !equality && !n.canBeTwoNumbers():
		return constNode(false).compile(env)
	case !n.left.isField && !n.right.isField:
		return constNode(n.holds(n.left.value, n.right.value)).compile(env)
	case equality && literal && n.right.value.Kind == engine.Absent:
		if n.op == notEqual {
			return presentNode{n.left.field}.compile(env)
		}
		return notNode{presentNode{n.left.field}}.compile(env)
	case literal && n.left.field.IsMetric():
		return byEvent(metricCompare(n.op, n.right.value.Num))
	case equality && literal && n.left.field == engine.FieldNamed("state"):
		return byEvent(stateCompare(n.op == equal, n.right.value.Str))
	case n.left.isStatic() && n.right.isStatic():
		return byIdentity(func(id *engine.Identity) bool { return n.holds(n.left.ofIdentity(id), n.right.ofIdentity(id)) })
	}
	return byEvent(func(e *engine.Event) bool { return n.holds(n.left.of(e), n.right.of(e)) })
}

// metricCompare compares the metric with a number, the commonest of all
// comparisons that each event decides.
func metricCompare(op operator, x float64) func(*engine.Event) bool {
	const has = engine.HasMetric
	switch op {
	case equal:
		return func(e *engine.Event) bool { return e.Has&has != 0 && e.Metric == x }
	case notEqual:
		return func(e *engine.Event) bool { return e.Has&has == 0 || e.Metric != x }
	case less:
		return func(e *engine.Event) bool { return e.Has&has != 0 && e.Metric < x }
	case lessEqual:
		return func(e *engine.Event) bool { return e.Has&has != 0 && e.Metric <= x }
	case greater:
		return func(e *engine.Event) bool { return e.Has&has != 0 && e.Metric > x }
	}
	return func(e *engine.Event) bool { return e.Has&has != 0 && e.Metric >= x }
}

// stateCompare compares the state with a text, the next commonest.
func stateCompare(same bool, text string) func(*engine.Event) bool {
	return func(e *engine.Event) bool { return (e.Has&engine.HasState != 0 && e.State == text) == same }
}

// asEquality returns the comparison by = that a wildcard without % is.
func (n patternNode) asEquality() (compareNode, bool) {
	if n.re != nil || strings.Contains(n.wildcard, "%") {
		return compareNode{}, false
	}
	return compareNode{equal, n.of, operand{value: engine.TextValue(n.wildcard)}}, true
}

func (n patternNode) compile(env *Env) code {
	if same, ok := n.asEquality(); ok {
		return same.compile(env)
	}
	matches := wildcardMatcher(n.wildcard)
	if n.re != nil {
		matches = n.re.MatchString
	}
	of := n.of
	switch {
	case of.kind() != engine.Text:
		return constNode(false).compile(env)
	case !of.isField:
		return constNode(matches(of.value.Str)).compile(env)
	case of.isStatic():
		return byIdentity(func(id *engine.Identity) bool {
			v := of.field.OfIdentity(id)
			return v.Kind == engine.Text && matches(v.Str)
		})
	}
	return byEvent(func(e *engine.Event) bool {
		v := of.field.Of(e)
		return v.Kind == engine.Text && matches(v.Str)
	})
}
