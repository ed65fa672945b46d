package rules

import (
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

// condition compiles an expression of which only the truth counts.
func (c *compiler) condition(e ast.Expr) condition {
	switch e := e.(type) {
	case *ast.RelationalOpExpr:
		return c.comparison(e)
	case *ast.LogicalOpExpr:
		a, b := c.condition(e.Lhs), c.condition(e.Rhs)
		if e.Operator == "and" {
			return func(f *frame) verdict {
				if v := a(f); v != yes {
					return v
				}
				return b(f)
			}
		}
		return func(f *frame) verdict {
			if v := a(f); v != no {
				return v
			}
			return b(f)
		}
	case *ast.UnaryNotOpExpr:
		of := c.condition(e.Expr)
		return func(f *frame) verdict {
			switch of(f) {
			case no:
				return yes
			case yes:
				return no
			}
			return unsure
		}
	}
	return truthOf(c.value(e))
}

func truthOf(value expression) condition {
	return func(f *frame) verdict {
		v, ok := value(f)
		if !ok {
			return unsure
		}
		return verdictOf(truth(v))
	}
}

func valueOfTruth(holds condition) expression {
	return func(f *frame) (engine.Value, bool) {
		v := holds(f)
		return engine.BoolValue(v == yes), v != unsure
	}
}

// comparison takes the shortest way for the commonest comparisons: the metric
// with a number, and the state with a text; the general way is at its end.
func (c *compiler) comparison(e *ast.RelationalOpExpr) condition {
	operator, left, right := e.Operator, e.Lhs, e.Rhs
	if _, ok := literal(left); ok {
		operator, left, right = turned(operator), right, left
	}
	get, isField := left.(*ast.AttrGetExpr)
	v, isLiteral := literal(right)
	if isField && isLiteral && c.isEvent(get.Object) {
		name, _ := get.Key.(*ast.StringExpr)
		equality := operator == "==" || operator == "~="
		switch {
		case name == nil:
		case name.Value == "metric" && v.Kind == engine.Number:
			return metricCondition(operator, v.Num)
		case name.Value == "state" && v.Kind == engine.Text && equality:
			return stateCondition(operator == "==", v.Str)
		}
	}
	a, b, compare := c.value(e.Lhs), c.value(e.Rhs), comparing(e.Operator)
	return func(f *frame) verdict {
		x, ok := a(f)
		if !ok {
			return unsure
		}
		y, ok := b(f)
		if !ok {
			return unsure
		}
		return compare(x, y)
	}
}

// turned is the operator with its sides changed over.
func turned(operator string) string {
	switch operator {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return operator
}

// metricCondition compares the metric with a number. Without a metric, order
// is an error, which the VM raises.
func metricCondition(operator string, x float64) condition {
	var holds func(*engine.Event) bool
	absent := unsure
	switch operator {
	case "==":
		holds, absent = func(e *engine.Event) bool { return e.Metric == x }, no
	case "~=":
		holds, absent = func(e *engine.Event) bool { return e.Metric != x }, yes
	case "<":
		return func(f *frame) verdict {
			if f.event.Has&engine.HasMetric == 0 {
				return unsure
			}
			return verdictOf(f.event.Metric < x)
		}
	case ">":
		return func(f *frame) verdict {
			if f.event.Has&engine.HasMetric == 0 {
				return unsure
			}
			return verdictOf(f.event.Metric > x)
		}
	case "<=":
		holds = func(e *engine.Event) bool { return e.Metric <= x }
	default:
		holds = func(e *engine.Event) bool { return e.Metric >= x }
	}
	return func(f *frame) verdict {
		if f.event.Has&engine.HasMetric == 0 {
			return absent
		}
		return verdictOf(holds(f.event))
	}
}

// stateCondition compares the state with a text.
func stateCondition(same bool, text string) condition {
	return func(f *frame) verdict {
		return verdictOf((f.event.Has&engine.HasState != 0 && f.event.State == text) == same)
	}
}

// comparing returns what decides about two values.
func comparing(operator string) func(a, b engine.Value) verdict {
	switch operator {
	case "==":
		return func(a, b engine.Value) verdict { return verdictOf(a == b) }
	case "~=":
		return func(a, b engine.Value) verdict { return verdictOf(a != b) }
	case "<":
		return less
	case "<=":
		return lessOrEqual
	case ">":
		return func(a, b engine.Value) verdict { return less(b, a) }
	}
	return func(a, b engine.Value) verdict { return lessOrEqual(b, a) }
}

func less(a, b engine.Value) verdict {
	switch {
	case a.Kind == engine.Number && b.Kind == engine.Number:
		return verdictOf(a.Num < b.Num)
	case a.Kind == engine.Text && b.Kind == engine.Text:
		return verdictOf(a.Str < b.Str)
	}
	return unsure
}

func lessOrEqual(a, b engine.Value) verdict {
	switch {
	case a.Kind == engine.Number && b.Kind == engine.Number:
		return verdictOf(a.Num <= b.Num)
	case a.Kind == engine.Text && b.Kind == engine.Text:
		return verdictOf(a.Str <= b.Str)
	}
	return unsure
}
