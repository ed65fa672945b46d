package rules

import (
	"math"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// A program is a Lua function compiled from its syntax tree to Go closures.
//
// It knows only what has no effect: fields, literals, variables, comparisons,
// arithmetic, and, or, not, "..", some functions of the libraries, if and
// return. Wherever Lua would raise an error, or do what the program does not
// know (a metamethod, a replaced library function), the program is unsure, and
// the VM runs the function from its start. Nothing has happened by then, so the
// outcome is the VM's to the letter, errors and their places included.
//
// Programs do not change once they are linked; what one run needs is in a
// frame.
type program struct {
	// One of these is set, by the form, unless why is: test beside value.
	test  condition
	value expression
	event eventExpression
	// identity is the part of test that the identity alone decides, byIdentity
	// tells that it is all; nil: there is none.
	identity   condition
	byIdentity bool
	// why says what keeps the function in the VM; "": nothing.
	why string

	variables []*variable // to be linked
}

// form is what a function is called with and what it returns.
type form uint8

const (
	ofEvent      form = iota // a condition or a key: an event gives a value
	eventToEvent             // map: an event gives an event
	ofValue                  // adjust: a field's value gives a value
	forms
)

// verdict is the outcome of a condition.
type verdict uint8

const (
	no verdict = iota
	yes
	unsure // the VM has to say
)

func verdictOf(holds bool) verdict {
	if holds {
		return yes
	}
	return no
}

// What expressions are compiled to; ok is false when the VM has to say.
type (
	condition       func(*frame) verdict
	expression      func(*frame) (v engine.Value, ok bool)
	eventExpression func(*frame) (kept, ok bool)
	// reading yields a value that may be a table or a function; nil: the VM
	// has to say.
	reading func(*frame) lua.LValue
)

// maxLocals bounds the local variables of a program.
const maxLocals = 16

// frame is what a program runs in. A configuration has one, because programs
// do not call one another.
type frame struct {
	event  *engine.Event
	fn     *lua.LFunction // whose variables are read
	locals [maxLocals]engine.Value
	result engine.Value
	out    engine.Event // what map gets, if kept
	kept   bool

	globals *lua.LTable
	strings *lua.LTable // the metatable of strings
	none    lua.LValue
	ids     func() *engine.Identities
	library [len(library)]lua.LValue // as it was before any rules file
}

// makeNative notes the libraries. It runs before any rules file.
func (c *Config) makeNative() {
	c.used = make(map[*lua.FunctionProto]form)
	f := &c.native
	f.globals = c.lua.G.Global
	f.strings, _ = c.lua.GetMetatable(lua.LString("")).(*lua.LTable)
	f.none = c.types.none
	f.ids = func() *engine.Identities { return c.at.engine.Identities() }
	for i, fn := range library {
		f.library[i] = lua.LNil
		from := f.globals
		if fn.table != "" {
			from, _ = from.RawGetString(fn.table).(*lua.LTable)
		}
		if from != nil {
			f.library[i] = from.RawGetString(fn.name)
		}
	}
}

// programOf returns the program of a function, or nil when the VM runs it.
func (c *Config) programOf(fn *lua.LFunction, as form) *program {
	compiled := c.chunks.natives[fn.Proto]
	if compiled == nil || fn.Env != c.native.globals {
		return nil
	}
	c.used[fn.Proto] = as
	if p := compiled.programs[as]; p.why == "" {
		return p
	}
	return nil
}

// runTest runs a program as a condition.
func (f *frame) runTest(p *program, fn *lua.LFunction, e *engine.Event) verdict {
	if e.ID == nil {
		return unsure
	}
	f.event, f.fn = e, fn
	return p.test(f)
}

// runValue runs a program as a key.
func (f *frame) runValue(p *program, fn *lua.LFunction, e *engine.Event) (engine.Value, bool) {
	if e.ID == nil {
		return engine.Value{}, false
	}
	f.event, f.fn = e, fn
	return p.value(f)
}

// runEvent runs a program as a map.
func (f *frame) runEvent(p *program, fn *lua.LFunction, e *engine.Event) (out engine.Event, kept, ok bool) {
	if e.ID == nil {
		return out, false, false
	}
	f.event, f.fn = e, fn
	kept, ok = p.event(f)
	return f.out, kept, ok
}

// runAdjust runs a program over a field's value.
func (f *frame) runAdjust(p *program, fn *lua.LFunction, v engine.Value) (engine.Value, bool) {
	f.fn, f.locals[0] = fn, v
	return p.value(f)
}

// valueOf makes a value of one of Lua's, if it is not a table or its like.
func valueOf(v lua.LValue) (engine.Value, bool) {
	switch v := v.(type) {
	case lua.LNumber:
		return engine.NumberValue(float64(v)), true
	case lua.LString:
		return engine.TextValue(string(v)), true
	case lua.LBool:
		return engine.BoolValue(bool(v)), true
	case *lua.LNilType:
		return engine.Value{}, true
	}
	return engine.Value{}, false
}

// truth is what Lua makes of a value as a condition.
func truth(v engine.Value) bool {
	return v.Kind != engine.Absent && (v.Kind != engine.Bool || v.Num != 0)
}

// textOf is a value as ".." takes it.
func textOf(v engine.Value) (text string, ok bool) {
	switch v.Kind {
	case engine.Text:
		return v.Str, true
	case engine.Number:
		return formatNumber(v.Num), true
	}
	return "", false
}

// modulo is Lua's %.
func modulo(a, b float64) float64 {
	v := math.Mod(a, b)
	if b > 0 && v < 0 || b < 0 && v > 0 {
		v += b
	}
	return v
}
