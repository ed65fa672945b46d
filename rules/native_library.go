package rules

import (
	"math"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
)

// libraryFunction is a function of the libraries that programs know.
type libraryFunction struct {
	table, name string
	arguments   int
	// apply computes the result; ok is false when the VM has to say.
	apply func(a arguments) (v engine.Value, ok bool)
}

// arguments are those of a library function; those not given are absent.
type arguments [4]engine.Value

// library is what programs know of the libraries. It is not changed.
var library = [...]libraryFunction{
	{"string", "len", 1, onText(func(s string) engine.Value { return engine.NumberValue(float64(len(s))) })},
	{"string", "lower", 1, onText(func(s string) engine.Value { return engine.TextValue(strings.ToLower(s)) })},
	{"string", "upper", 1, onText(func(s string) engine.Value { return engine.TextValue(strings.ToUpper(s)) })},
	{"string", "sub", 2, substring},
	{"string", "sub", 3, substring},
	{"string", "find", 2, findText},
	{"string", "find", 4, findPlain},
	{"string", "match", 2, matchText},
	{"math", "abs", 1, onNumber(math.Abs)},
	{"math", "ceil", 1, onNumber(math.Ceil)},
	{"math", "floor", 1, onNumber(math.Floor)},
	{"math", "max", 2, onNumbers(func(a, b float64) bool { return b > a })},
	{"math", "min", 2, onNumbers(func(a, b float64) bool { return b < a })},
	{"", "tonumber", 1, toNumber},
	{"", "tostring", 1, showValueOf},
	{"", "type", 1, typeName},
}

// searches reports whether a function of that name looks for a pattern. Such a
// function may return another number of values than one.
func searches(name string) bool { return name == "find" || name == "match" }

// known returns the place of a function in library, or -1.
func known(table, name string, arguments int) int {
	for i := range library {
		if fn := &library[i]; fn.table == table && fn.name == name && fn.arguments == arguments {
			return i
		}
	}
	return -1
}

// call compiles a call of e:tagged, or of a function of the libraries.
func (c *compiler) call(e *ast.FuncCallExpr) expression {
	switch {
	case e.Method != "" && c.isEvent(e.Receiver):
		return c.eventMethod(e)
	case e.Method != "":
		which := known("string", e.Method, 1+len(e.Args))
		if which < 0 {
			c.refuseCall(e, "string", e.Method, ":"+e.Method)
			return nil
		}
		return c.apply(which, isMethod(which), append([]ast.Expr{e.Receiver}, e.Args...))
	}
	table, name := "", ""
	switch fn := e.Func.(type) {
	case *ast.IdentExpr:
		name = fn.Value
	case *ast.AttrGetExpr:
		of, isName := fn.Object.(*ast.IdentExpr)
		key, isText := fn.Key.(*ast.StringExpr)
		if isName && isText {
			table, name = of.Value, key.Value
		}
	}
	which := known(table, name, len(e.Args))
	if which < 0 {
		c.refuseCall(e, table, name, strings.TrimPrefix(table+"."+name, "."))
		return nil
	}
	fn := c.reference(e.Func)
	return c.apply(which, func(f *frame, _ engine.Value) bool { return fn(f) == f.library[which] }, e.Args)
}

// refuseCall says which call keeps the function in the VM.
func (c *compiler) refuseCall(e *ast.FuncCallExpr, table, name, shown string) {
	known := slices.ContainsFunc(library[:], func(fn libraryFunction) bool { return fn.table == table && fn.name == name })
	switch {
	case name == "":
		c.refuse(e, "it calls what is not a name")
	case known:
		c.refuse(e, "it calls %s with another number of arguments than usual", shown)
	default:
		c.refuse(e, "it calls %s", shown)
	}
}

// isMethod tells whether the method of a string is that of the library.
func isMethod(which int) func(*frame, engine.Value) bool {
	name := library[which].name
	return func(f *frame, receiver engine.Value) bool {
		if receiver.Kind != engine.Text || f.strings == nil {
			return false
		}
		methods, ok := f.strings.RawGetString("__index").(*lua.LTable)
		return ok && methods.RawGetString(name) == f.library[which]
	}
}

// apply compiles the call of a library function. unchanged tells, at each call,
// that the name still stands for that function.
func (c *compiler) apply(which int, unchanged func(f *frame, first engine.Value) bool, args []ast.Expr) expression {
	fn := library[which]
	if pattern, ok := literal(args[len(args)-1]); ok && searches(fn.name) && fn.arguments == 2 {
		if _, _, _, plain := plainPattern(pattern); !plain {
			c.refuse(args[0], "it looks for a pattern")
		}
	}
	values := make([]expression, len(args))
	for i, arg := range args {
		values[i] = c.value(arg)
	}
	if inner, ok := args[len(args)-1].(*ast.FuncCallExpr); ok && searches(calledName(inner)) {
		c.refuse(inner, "it hands on all results of a call")
	}
	return func(f *frame) (engine.Value, bool) {
		var given arguments
		for i, value := range values {
			v, ok := value(f)
			if !ok {
				return v, false
			}
			given[i] = v
		}
		if !unchanged(f, given[0]) {
			return engine.Value{}, false
		}
		return fn.apply(given)
	}
}

// calledName returns the last name of what is called.
func calledName(e *ast.FuncCallExpr) string {
	if get, ok := e.Func.(*ast.AttrGetExpr); ok {
		if key, ok := get.Key.(*ast.StringExpr); ok {
			return key.Value
		}
	}
	return e.Method
}

// eventMethod compiles e:tagged "tag".
func (c *compiler) eventMethod(e *ast.FuncCallExpr) expression {
	if e.Method != "tagged" || len(e.Args) != 1 {
		c.refuse(e, "it calls e:%s", e.Method)
		return nil
	}
	tag := c.value(e.Args[0])
	return func(f *frame) (engine.Value, bool) {
		v, ok := tag(f)
		if !ok || v.Kind != engine.Text {
			return v, false
		}
		return engine.BoolValue(f.event.ID.Tagged(v.Str)), true
	}
}

func onText(fn func(string) engine.Value) func(arguments) (engine.Value, bool) {
	return func(args arguments) (engine.Value, bool) {
		if args[0].Kind != engine.Text {
			return engine.Value{}, false
		}
		return fn(args[0].Str), true
	}
}

func onNumber(fn func(float64) float64) func(arguments) (engine.Value, bool) {
	return func(args arguments) (engine.Value, bool) {
		return engine.NumberValue(fn(args[0].Num)), args[0].Kind == engine.Number
	}
}

// onNumbers gives the second of two numbers when it is the better.
func onNumbers(better func(a, b float64) bool) func(arguments) (engine.Value, bool) {
	return func(args arguments) (engine.Value, bool) {
		a, b := args[0], args[1]
		if better(a.Num, b.Num) {
			return b, a.Kind == engine.Number && b.Kind == engine.Number
		}
		return a, a.Kind == engine.Number && b.Kind == engine.Number
	}
}

// substring is string.sub.
func substring(args arguments) (engine.Value, bool) {
	s, from, to := args[0], args[1], args[2]
	if to.Kind == engine.Absent {
		to = engine.NumberValue(-1)
	}
	if s.Kind != engine.Text || !isPosition(from) || !isPosition(to) {
		return engine.Value{}, false
	}
	start, end, n := int(from.Num), int(to.Num), len(s.Str)
	if start < 0 {
		start = max(n+start+1, 1)
	}
	if end < 0 {
		end = n + end + 1
	}
	start, end = max(start, 1), min(end, n)
	if start > end {
		return engine.TextValue(""), true
	}
	return engine.TextValue(s.Str[start-1 : end]), true
}

func isPosition(v engine.Value) bool {
	return v.Kind == engine.Number && v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < 1<<31
}

// plainPattern reads a pattern in which all characters stand for themselves,
// but for ^ at its start and $ at its end.
func plainPattern(v engine.Value) (text string, fromStart, toEnd, ok bool) {
	text, fromStart = strings.CutPrefix(v.Str, "^")
	text, toEnd = strings.CutSuffix(text, "$")
	ok = v.Kind == engine.Text && text != "" && !strings.ContainsAny(text, "^$*+?.([%-)]\x00")
	return text, fromStart, toEnd, ok
}

// search finds a plain pattern in a text; -1: it is not there.
func search(s, pattern engine.Value) (at int, text string, ok bool) {
	text, fromStart, toEnd, ok := plainPattern(pattern)
	if !ok || s.Kind != engine.Text {
		return -1, "", false
	}
	switch {
	case fromStart && toEnd && s.Str == text, fromStart && !toEnd && strings.HasPrefix(s.Str, text):
		return 0, text, true
	case fromStart:
		return -1, text, true
	case toEnd && strings.HasSuffix(s.Str, text):
		return len(s.Str) - len(text), text, true
	case toEnd:
		return -1, text, true
	}
	return strings.Index(s.Str, text), text, true
}

// findText is the first result of string.find.
func findText(args arguments) (engine.Value, bool) {
	at, _, ok := search(args[0], args[1])
	if at < 0 {
		return engine.Value{}, ok
	}
	return engine.NumberValue(float64(at + 1)), ok
}

// findPlain is findText from the start of the text and without a pattern:
// find(s, text, 1, true).
func findPlain(args arguments) (engine.Value, bool) {
	s, text := args[0], args[1]
	if s.Kind != engine.Text || text.Kind != engine.Text || args[2] != engine.NumberValue(1) || args[3] != engine.BoolValue(true) {
		return engine.Value{}, false
	}
	if at := strings.Index(s.Str, text.Str); at >= 0 {
		return engine.NumberValue(float64(at + 1)), true
	}
	return engine.Value{}, true
}

// matchText is string.match of a pattern without captures.
func matchText(args arguments) (engine.Value, bool) {
	at, text, ok := search(args[0], args[1])
	if at < 0 {
		return engine.Value{}, ok
	}
	return engine.TextValue(text), ok
}

// isPlainNumber reports whether a text is digits, perhaps with a point among
// them, which every reader of numbers takes alike.
func isPlainNumber(s string) bool {
	whole, part, hasPoint := strings.Cut(s, ".")
	return isDigits(whole) && (!hasPoint || isDigits(part))
}

func isDigits(s string) bool {
	return len(s) > 0 && len(s) < 16 && strings.Trim(s, "0123456789") == ""
}

// toNumber is tonumber of what is a number or plainly reads as one.
func toNumber(args arguments) (engine.Value, bool) {
	switch v := args[0]; v.Kind {
	case engine.Number:
		return v, true
	case engine.Text:
		if isPlainNumber(v.Str) {
			n, err := strconv.ParseFloat(v.Str, 64)
			return engine.NumberValue(n), err == nil
		}
	case engine.Absent, engine.Bool:
		return engine.Value{}, true
	}
	return engine.Value{}, false
}

// showValueOf is tostring.
func showValueOf(args arguments) (engine.Value, bool) {
	switch v := args[0]; v.Kind {
	case engine.Absent:
		return engine.TextValue("nil"), true
	case engine.Bool:
		return engine.TextValue(strconv.FormatBool(v.Num != 0)), true
	default:
		text, ok := textOf(v)
		return engine.TextValue(text), ok
	}
}

func typeName(args arguments) (engine.Value, bool) {
	return engine.TextValue([...]string{"nil", "boolean", "number", "string"}[args[0].Kind]), true
}
