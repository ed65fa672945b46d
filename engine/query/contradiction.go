package query

import (
	"math"
	"reflect"

	"tocsin/engine"
)

// Contradiction says why no event can match the query, in a few words; "" when
// one may, or when the text is no query. It finds what people mistype, not
// everything: conditions joined by "and" that exclude one another, and
// comparisons that never hold, as of a text by "<".
func Contradiction(text string) string {
	root, err := parse(text)
	if err != nil {
		return ""
	}
	return contradiction(root)
}

func contradiction(n node) string {
	switch n := n.(type) {
	case constNode:
		if !n {
			return "it is false"
		}
	case orNode:
		first := ""
		for _, part := range n {
			why := contradiction(part)
			if why == "" {
				return ""
			}
			if first == "" {
				first = why
			}
		}
		return first
	case andNode:
		for _, part := range n {
			if why := contradiction(part); why != "" {
				return why
			}
		}
		return exclusion(n)
	case compareNode:
		return n.contradiction()
	case patternNode:
		if n.of.kind() != engine.Text {
			return n.of.String() + " is never a text"
		}
	}
	return ""
}

// contradiction says why the comparison holds for no event.
func (n compareNode) contradiction() string {
	switch {
	case n.op == notEqual || n.op == equal && n.canBeEqual():
		return ""
	case n.op != equal && n.canBeTwoNumbers():
		if n.left.isField || n.right.isField || n.holds(n.left.value, n.right.value) {
			return ""
		}
		return n.String() + " does not hold"
	case n.op == equal:
		return n.left.String() + " never equals " + n.right.String() + ", which is of another kind"
	}
	return n.String() + " compares what are not two numbers"
}

// exclusion says which conditions, all of which have to hold, exclude one
// another.
func exclusion(all andNode) string {
	for i, a := range all {
		for _, b := range all[:i] {
			if not, ok := a.(notNode); ok && reflect.DeepEqual(not.of, b) {
				return "a condition and its opposite exclude one another"
			}
			if not, ok := b.(notNode); ok && reflect.DeepEqual(not.of, a) {
				return "a condition and its opposite exclude one another"
			}
			if excludes(a, b) {
				return text(b) + " and " + text(a) + " exclude one another"
			}
		}
	}
	return ""
}

// demand is what one condition asks of one field.
type demand struct {
	field   engine.Field
	node    node
	absent  bool              // the field must not be there
	text    string            // the field must be this text, if isText
	isText  bool              //
	unlike  *engine.Value     // the field must not be this
	matches func(string) bool // the text must match
	low     float64           // the number must lie in the range, if isRange
	high    float64
	open    bool // without its ends
	isRange bool
}

// demandOf reads a condition on one field and literals; ok is false for others.
func demandOf(n node) (d demand, ok bool) {
	d.node, d.low, d.high = n, math.Inf(-1), math.Inf(1)
	switch n := n.(type) {
	case presentNode:
		d.field = n.field
		return d, true
	case patternNode:
		if same, isEqual := n.asEquality(); isEqual {
			return demandOf(same)
		}
		d.field, d.matches = n.of.field, wildcardMatcher(n.wildcard)
		if n.re != nil {
			d.matches = n.re.MatchString
		}
		return d, n.of.isField
	case compareNode:
		n = n.literalRight()
		d.field = n.left.field
		return d, n.left.isField && !n.right.isField && d.compare(n.op, n.right.value)
	}
	return d, false
}

// compare notes what a comparison with a literal asks for.
func (d *demand) compare(op operator, v engine.Value) bool {
	switch {
	case op == notEqual:
		d.unlike = &v
		return v.Kind != engine.Absent
	case op == equal && v.Kind == engine.Absent:
		d.absent = true
	case op == equal && v.Kind == engine.Text:
		d.text, d.isText = v.Str, true
	case v.Kind != engine.Number:
		return false
	case op == equal:
		d.isRange, d.low, d.high = true, v.Num, v.Num
	case op == less || op == lessEqual:
		d.isRange, d.high, d.open = true, v.Num, op == less
	default:
		d.isRange, d.low, d.open = true, v.Num, op == greater
	}
	return true
}

// excludes reports whether no event meets both conditions.
func excludes(x, y node) bool {
	a, ok := demandOf(x)
	b, also := demandOf(y)
	if !ok || !also || a.field != b.field {
		return false
	}
	return a.excludes(b) || b.excludes(a)
}

// excludes tries one order of the two.
func (d *demand) excludes(o demand) bool {
	switch {
	case d.absent:
		return !o.absent && o.unlike == nil
	case d.isText && o.isText:
		return d.text != o.text
	case d.isText && o.matches != nil:
		return !o.matches(d.text)
	case d.isText && o.unlike != nil:
		return *o.unlike == engine.TextValue(d.text)
	case d.isRange && o.isRange:
		low, high := max(d.low, o.low), min(d.high, o.high)
		return low > high || low == high && (d.endsAt(low) || o.endsAt(low))
	case d.isRange && o.unlike != nil:
		return d.low == d.high && *o.unlike == engine.NumberValue(d.low)
	}
	return false
}

// endsAt reports whether the range ends at x and leaves it out.
func (d *demand) endsAt(x float64) bool { return d.open && (d.low == x || d.high == x) }
