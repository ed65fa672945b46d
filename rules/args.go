package rules

import (
	"fmt"
	"math"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// args reads the arguments of one call strictly: what does not fit raises an
// error that begins with the place of the call.
type args struct {
	config *Config
	L      *lua.LState
	name   string // of the function
	shift  int    // 1 for methods: argument 1 is the second value
}

func (a *args) get(n int) lua.LValue { return a.L.Get(n + a.shift) }

// count is how many arguments there are.
func (a *args) count() int { return max(a.L.GetTop()-a.shift, 0) }

func (a *args) given(n int) bool { return a.get(n) != lua.LNil }

func (a *args) fail(format string, values ...any) {
	fail(a.L, "%s: %s", a.name, fmt.Sprintf(format, values...))
}

// wrong says what an argument should have been.
func (a *args) wrong(n int, expected string) {
	a.fail("argument %d must be %s, got %s", n, expected, describe(a.get(n)))
}

func (a *args) atMost(n int) {
	if n >= 0 && a.count() > n {
		switch n {
		case 0:
			a.fail("takes no arguments, got %d", a.count())
		case 1:
			a.fail("takes one argument, got %d", a.count())
		}
		a.fail("takes at most %d arguments, got %d", n, a.count())
	}
}

func (a *args) number(n int, what string) float64 {
	v, ok := a.get(n).(lua.LNumber)
	if !ok || math.IsNaN(float64(v)) {
		a.wrong(n, what)
	}
	return float64(v)
}

// whole reads a whole number.
func (a *args) whole(n int, what string) int {
	v := a.number(n, what)
	if v != math.Trunc(v) || math.Abs(v) > 1<<31 {
		a.wrong(n, what)
	}
	return int(v)
}

// seconds reads a number of seconds.
func (a *args) seconds(n int) time.Duration {
	return engine.Seconds(a.number(n, "a number of seconds"))
}

func (a *args) text(n int, what string) string {
	v, ok := a.get(n).(lua.LString)
	if !ok {
		a.wrong(n, what)
	}
	return string(v)
}

// texts reads all arguments as strings.
func (a *args) texts(what string) []string {
	out := make([]string, a.count())
	for i := range out {
		out[i] = a.text(i+1, what)
	}
	return out
}

func (a *args) function(n int) *lua.LFunction {
	fn, ok := a.get(n).(*lua.LFunction)
	if !ok {
		a.wrong(n, "a function")
	}
	return fn
}

func (a *args) table(n int, what string) *lua.LTable {
	t, ok := a.get(n).(*lua.LTable)
	if !ok {
		a.wrong(n, what)
	}
	return t
}

func (a *args) predicate(n int) engine.Predicate {
	p, _ := a.predicateBy(n)
	return p
}

// predicateBy also returns what the predicate was made from.
func (a *args) predicateBy(n int) (engine.Predicate, any) {
	p, by, err := a.config.predicate(a.get(n))
	if err != nil {
		a.fail("argument %d: %v", n, err)
	}
	return p, by
}

// predicates reads all arguments as predicates.
func (a *args) predicates() []engine.Predicate {
	out := make([]engine.Predicate, a.count())
	for i := range out {
		out[i] = a.predicate(i + 1)
	}
	return out
}

func (a *args) key(n int) engine.Key {
	k, err := a.config.key(a.get(n))
	if err != nil {
		a.fail("argument %d: %v", n, err)
	}
	return k
}

func (a *args) change(n int) *engine.Change {
	change, err := a.config.change(a.table(n, "a table of fields"))
	if err != nil {
		a.fail("%v", err)
	}
	return change
}

// numbers reads a list of numbers.
func (a *args) numbers(n int) []float64 {
	t := a.table(n, "a list of numbers")
	out := make([]float64, t.Len())
	for i := range out {
		v, ok := t.RawGetInt(i + 1).(lua.LNumber)
		if !ok {
			a.fail("argument %d must be a list of numbers, but element %d is %s", n, i+1, describe(t.RawGetInt(i+1)))
		}
		out[i] = float64(v)
	}
	return out
}

// options decodes a table of options into the struct that into points to. A
// table that is not there leaves it as it is.
func (a *args) options(n int, into any) {
	if !a.given(n) {
		return
	}
	t, err := options(a.table(n, "a table of options"), pos(a.L))
	if err == nil {
		err = plugins.Decode(t, into)
	}
	a.optionError(err)
}

// optionError raises a mistake in a table of options.
func (a *args) optionError(err error) {
	if err == nil {
		return
	}
	if oe, ok := err.(*plugins.OptionError); ok {
		err = oe.Err
	}
	a.fail("%v", err)
}

// predicateOption makes a predicate of the value of an option.
func (a *args) predicateOption(name string, v any) engine.Predicate {
	p, _, err := a.config.predicate(optionValue(v))
	if err != nil {
		a.fail("option %q: %v", name, err)
	}
	return p
}

// optionValue turns the value of an option of type any back into Lua's.
func optionValue(v any) lua.LValue {
	switch v := v.(type) {
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	case lua.LValue:
		return v
	case *plugins.Table:
		return &lua.LTable{}
	}
	return lua.LNil
}
