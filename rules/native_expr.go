package rules

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

func constant(v engine.Value) expression {
	return func(*frame) (engine.Value, bool) { return v, true }
}

// literal returns the value of a literal.
func literal(e ast.Expr) (engine.Value, bool) {
	switch e := e.(type) {
	case *ast.NilExpr:
		return engine.Value{}, true
	case *ast.TrueExpr:
		return engine.BoolValue(true), true
	case *ast.FalseExpr:
		return engine.BoolValue(false), true
	case *ast.StringExpr:
		return engine.TextValue(e.Value), true
	case *ast.NumberExpr:
		n := float64(lua.LVAsNumber(lua.LString(e.Value)))
		return engine.NumberValue(n), n != 0 || strings.Trim(e.Value, "0.") == "" // 0 also stands for what is no number
	case *ast.UnaryMinusOpExpr:
		v, ok := literal(e.Expr)
		v.Num = -v.Num
		return v, ok && v.Kind == engine.Number
	case *ast.ArithmeticOpExpr:
		a, ok1 := literal(e.Lhs)
		b, ok2 := literal(e.Rhs)
		compute, _ := operation(e.Operator)
		return engine.NumberValue(compute(a.Num, b.Num)), ok1 && ok2 && a.Kind == engine.Number && b.Kind == engine.Number
	}
	return engine.Value{}, false
}

// value compiles an expression of which the value counts.
func (c *compiler) value(e ast.Expr) expression {
	if v, ok := literal(e); ok {
		if v.Num == 0 && math.Signbit(v.Num) {
			c.refuse(e, "it has the constant -0") // which the VM may take for its 0
		}
		return constant(v)
	}
	switch e := e.(type) {
	case *ast.IdentExpr:
		if slot := c.local(e.Value); slot >= 0 {
			return func(f *frame) (engine.Value, bool) { return f.locals[slot], true }
		}
		return c.outside(e)
	case *ast.AttrGetExpr:
		if c.isEvent(e.Object) {
			return c.field(e)
		}
		return c.outside(e)
	case *ast.LogicalOpExpr:
		return joined(e.Operator == "and", c.value(e.Lhs), c.value(e.Rhs))
	case *ast.RelationalOpExpr, *ast.UnaryNotOpExpr:
		return valueOfTruth(c.condition(e))
	case *ast.ArithmeticOpExpr:
		return c.arithmetic(e)
	case *ast.StringConcatOpExpr:
		return concatenated(c.value(e.Lhs), c.value(e.Rhs))
	case *ast.UnaryMinusOpExpr:
		of := c.value(e.Expr)
		return func(f *frame) (engine.Value, bool) {
			v, ok := of(f)
			return engine.NumberValue(-v.Num), ok && v.Kind == engine.Number
		}
	case *ast.UnaryLenOpExpr:
		of := c.value(e.Expr)
		return func(f *frame) (engine.Value, bool) {
			v, ok := of(f)
			return engine.NumberValue(float64(len(v.Str))), ok && v.Kind == engine.Text
		}
	case *ast.FuncCallExpr:
		return c.call(e)
	}
	c.refuse(e, "it has %s", nameExpression(e))
	return nil
}

func nameExpression(e ast.Expr) string {
	switch e.(type) {
	case *ast.TableExpr:
		return "a table"
	case *ast.FunctionExpr:
		return "a function of its own"
	case *ast.NumberExpr:
		return "a number that cannot be read"
	}
	return "what only the VM knows"
}

// isEvent reports whether an expression is the event that the function takes.
func (c *compiler) isEvent(e ast.Expr) bool {
	name, ok := e.(*ast.IdentExpr)
	return ok && c.parameter != "" && name.Value == c.parameter && c.local(name.Value) < 0
}

// field compiles e.NAME.
func (c *compiler) field(e *ast.AttrGetExpr) expression {
	name, ok := e.Key.(*ast.StringExpr)
	switch {
	case !ok:
		c.refuse(e, "it reads a field whose name is not written out")
		return nil
	case name.Value == "tags" || name.Value == "attributes" || name.Value == "with" || name.Value == "tagged":
		c.refuse(e, "it reads e.%s, which is not one value", name.Value)
		return nil
	}
	field := engine.FieldNamed(name.Value)
	return func(f *frame) (engine.Value, bool) { return field.Of(f.event), true }
}

// outside compiles the reading of a variable from outside of the function.
func (c *compiler) outside(e ast.Expr) expression {
	read := c.reference(e)
	return func(f *frame) (engine.Value, bool) { return valueOf(read(f)) }
}

// reference compiles a variable from outside, or a field of one.
func (c *compiler) reference(e ast.Expr) reading {
	switch e := e.(type) {
	case *ast.IdentExpr:
		if c.isEvent(e) || c.local(e.Value) >= 0 {
			c.refuse(e, "it uses %s other than by its fields", e.Value)
			return nil
		}
		v := &variable{name: e.Value}
		c.program.variables = append(c.program.variables, v)
		return v.read
	case *ast.AttrGetExpr:
		if c.isEvent(e.Object) {
			c.refuse(e, "it reads a field of a field")
			return nil
		}
		from, key := c.reference(e.Object), c.value(e.Key)
		return func(f *frame) lua.LValue {
			k, ok := key(f)
			t, isTable := from(f).(*lua.LTable)
			if !ok || !isTable || k.Kind != engine.Text {
				return nil
			}
			return fieldOf(t, k.Str)
		}
	}
	c.refuse(e, "it has %s", nameExpression(e))
	return nil
}

// read reads the variable as it is now.
func (v *variable) read(f *frame) lua.LValue {
	if v.upvalue >= 0 {
		return f.fn.Upvalues[v.upvalue].Value()
	}
	return fieldOf(f.globals, v.name)
}

// fieldOf reads a field of a table; of what a metatable may answer for, the VM
// has to say.
func fieldOf(t *lua.LTable, name string) lua.LValue {
	v := t.RawGetString(name)
	if v == lua.LNil && t.Metatable != lua.LNil {
		return nil
	}
	return v
}

// joined is a and b, or a or b.
func joined(and bool, a, b expression) expression {
	return func(f *frame) (engine.Value, bool) {
		if v, ok := a(f); !ok || truth(v) != and {
			return v, ok
		}
		return b(f)
	}
}

// maxText bounds what programs concatenate, in bytes. What grows larger is the
// VM's, which bounds all memory.
const maxText = 64 << 10

// concatenated is a .. b.
func concatenated(a, b expression) expression {
	return func(f *frame) (engine.Value, bool) {
		x, ok := a(f)
		if !ok {
			return x, false
		}
		y, ok := b(f)
		if !ok {
			return y, false
		}
		left, ok1 := textOf(x)
		right, ok2 := textOf(y)
		if !ok1 || !ok2 || len(left)+len(right) > maxText {
			return engine.Value{}, false
		}
		return engine.TextValue(left + right), true
	}
}

// number is a value as arithmetic takes it. A string counts as one that reads
// as a number, unless strings have a metamethod; 0 also stands for what does
// not read as one.
func (f *frame) number(v engine.Value, metamethod string) (float64, bool) {
	switch v.Kind {
	case engine.Number:
		return v.Num, true
	case engine.Text:
		n := float64(lua.LVAsNumber(lua.LString(v.Str)))
		return n, n != 0 && f.strings != nil && f.strings.RawGetString(metamethod) == lua.LNil
	}
	return 0, false
}

// operation returns what an operator computes, and the name of its metamethod.
func operation(operator string) (compute func(a, b float64) float64, metamethod string) {
	switch operator {
	case "+":
		return func(a, b float64) float64 { return a + b }, "__add"
	case "-":
		return func(a, b float64) float64 { return a - b }, "__sub"
	case "*":
		return func(a, b float64) float64 { return a * b }, "__mul"
	case "/":
		return func(a, b float64) float64 { return a / b }, "__div"
	case "%":
		return modulo, "__mod"
	}
	return math.Pow, "__pow"
}

func (c *compiler) arithmetic(e *ast.ArithmeticOpExpr) expression {
	a, b := c.value(e.Lhs), c.value(e.Rhs)
	compute, metamethod := operation(e.Operator)
	return func(f *frame) (engine.Value, bool) {
		x, ok := a(f)
		if !ok {
			return x, false
		}
		y, ok := b(f)
		if !ok {
			return y, false
		}
		if x.Kind == engine.Number && y.Kind == engine.Number {
			return engine.NumberValue(compute(x.Num, y.Num) + 0), true // + 0: the VM makes 0 of -0
		}
		left, ok1 := f.number(x, metamethod)
		right, ok2 := f.number(y, metamethod)
		return engine.NumberValue(compute(left, right)), ok1 && ok2
	}
}
