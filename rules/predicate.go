package rules

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/query"
)

// maxQueries bounds the parsed queries that are kept: a rule can build a new
// text at each turn.
const maxQueries = 10_000

// queries are the parsed queries by text, and the functions by what they were
// compiled from.
type queries struct {
	env       *query.Env
	byText    map[string]*query.Query
	functions map[*lua.FunctionProto]*lua.LFunction
}

func (c *Config) makeQueries() {
	c.texts = queries{
		env: &query.Env{
			Now:        func() engine.Time { return c.now() },
			DefaultTTL: func() time.Duration { return c.at.engine.TTL() },
			Expiry:     func(arrival engine.Time, ttl time.Duration) engine.Time { return c.at.engine.After(arrival, ttl) },
		},
		byText:    make(map[string]*query.Query),
		functions: make(map[*lua.FunctionProto]*lua.LFunction),
	}
}

// query parses a query, or finds it among those that were parsed before.
func (c *Config) query(text string) (*query.Query, error) {
	if q := c.texts.byText[text]; q != nil {
		return q, nil
	}
	q, err := query.ParseWith(text, c.texts.env)
	if err != nil {
		return nil, err
	}
	if len(c.texts.byText) >= maxQueries {
		clear(c.texts.byText)
	}
	c.texts.byText[text] = q
	return q, nil
}

// same returns one function for all that were made from the same piece of a
// file and hold no variables of their own, so that one written inside a rule
// is the same at each turn.
func (c *Config) same(fn *lua.LFunction) *lua.LFunction {
	if fn.Proto == nil || len(fn.Upvalues) > 0 {
		return fn
	}
	if first := c.texts.functions[fn.Proto]; first != nil {
		return first
	}
	c.texts.functions[fn.Proto] = fn
	return fn
}

// predicate makes a predicate of a query or a function. by is what it was made
// from: the same gives the same.
func (c *Config) predicate(v lua.LValue) (p engine.Predicate, by any, err error) {
	switch v := v.(type) {
	case lua.LString:
		q, err := c.query(string(v))
		if err != nil {
			return nil, nil, err
		}
		return q, string(v), nil
	case *lua.LFunction:
		v = c.same(v)
		return function{c, v, c.programOf(v, ofEvent)}, v, nil
	}
	return nil, nil, fmt.Errorf("expected a query or a function of the event, got %s", describe(v))
}

// key makes a key of a field's name or a function.
func (c *Config) key(v lua.LValue) (engine.Key, error) {
	switch v := v.(type) {
	case lua.LString:
		if v == "" {
			return nil, fmt.Errorf("the name of a field is missing")
		}
		return engine.FieldNamed(string(v)), nil
	case *lua.LFunction:
		v = c.same(v)
		return keyFunction{c, v, c.programOf(v, ofEvent)}, nil
	}
	return nil, fmt.Errorf("expected the name of a field or a function of the event, got %s", describe(v))
}

// function is a Lua function as a predicate. Two of one function are equal.
type function struct {
	config  *Config
	fn      *lua.LFunction
	program *program // nil: the VM runs it
}

var _ engine.Predicate = function{}

// Static implements engine.Predicate. Of what the VM runs, only the event can
// tell.
func (f function) Static(id *engine.Identity) engine.Verdict {
	if f.program == nil {
		return engine.Maybe
	}
	return f.config.native.runStatic(f.program, id)
}

// Rest implements engine.Predicate.
func (f function) Rest(e *engine.Event) (bool, error) { return f.Match(e) }

// Match implements engine.Predicate: anything but nil and false holds.
func (f function) Match(e *engine.Event) (bool, error) {
	if f.program != nil {
		if v := f.config.native.runTest(f.program, f.fn, e); v != unsure {
			return v == yes, nil
		}
	}
	v, err := f.config.call(f.fn, f.config.luaEvent(e))
	if err != nil {
		return false, err
	}
	return lua.LVAsBool(v), nil
}

// keyFunction is a Lua function as a key. Two of one function are equal.
type keyFunction struct {
	config  *Config
	fn      *lua.LFunction
	program *program // nil: the VM runs it
}

var _ engine.Key = keyFunction{}

// Value implements engine.Key.
func (f keyFunction) Value(e *engine.Event) (engine.Value, error) {
	if f.program != nil {
		if v, ok := f.config.native.runValue(f.program, f.fn, e); ok {
			return v, nil
		}
	}
	v, err := f.config.call(f.fn, f.config.luaEvent(e))
	if err != nil {
		return engine.Value{}, err
	}
	return f.config.returnedValue(f.fn, v)
}

// returnedValue is fieldValue with the place of the function in its error.
func (c *Config) returnedValue(fn *lua.LFunction, v lua.LValue) (engine.Value, error) {
	out, err := fieldValue(v)
	if err != nil {
		return out, returned(fn, err)
	}
	return out, nil
}

// returned says that what a function returned is wrong.
func returned(fn *lua.LFunction, err error) error {
	return &engine.RuleError{Err: fmt.Errorf("%s: the function returned a wrong value: %w", placeOf(fn), err)}
}
