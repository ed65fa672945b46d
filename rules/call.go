package rules

import (
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// call calls a Lua function with up to two arguments and returns its first
// result. The error is an *engine.RuleError whose text begins with FILE:LINE.
func (c *Config) call(fn *lua.LFunction, args ...lua.LValue) (lua.LValue, error) {
	L := c.lua
	c.watch.begin()
	top := L.GetTop()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	err := L.PCall(len(args), 1, nil)
	cut := c.watch.end()
	if err != nil {
		L.SetTop(top)
		return lua.LNil, c.callError(fn, err)
	}
	result := L.Get(-1)
	L.SetTop(top)
	if cut {
		return lua.LNil, &engine.RuleError{Err: fmt.Errorf("%s: %w", placeOf(fn), c.watch.Err())}
	}
	return result, nil
}

// callError makes an error of what a call into Lua failed with: the message,
// without the trace, behind a place.
func (c *Config) callError(fn *lua.LFunction, err error) error {
	text := err.Error()
	var api *lua.ApiError
	if errors.As(err, &api) {
		text = c.errorText(api.Object)
	}
	if !c.hasPlace(text) {
		text = placeOf(fn) + ": " + text
	}
	return &engine.RuleError{Err: errors.New(text)}
}

// errorText shows what was given to error(): usually a string.
func (c *Config) errorText(v lua.LValue) (text string) {
	if s, ok := v.(lua.LString); ok {
		return string(s)
	}
	defer func() {
		if recover() != nil {
			text = v.String()
		}
	}()
	c.watch.begin()
	defer c.watch.end()
	return c.lua.ToStringMeta(v).String()
}

// hasPlace reports whether a message begins with the name of a file that was
// read, and a line.
func (c *Config) hasPlace(text string) bool {
	for _, file := range c.Files {
		if rest, ok := strings.CutPrefix(text, file+":"); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			return true
		}
	}
	return false
}

// placeOf returns where a function is defined, as "FILE:LINE".
func placeOf(fn *lua.LFunction) string {
	if fn.Proto == nil {
		return "tocsin:0"
	}
	return fmt.Sprintf("%s:%d", fn.Proto.SourceName, max(fn.Proto.LineDefined, 1))
}

// pos returns where Lua called the function that is running, as "FILE:LINE".
func pos(L *lua.LState) string {
	for level := 1; ; level++ {
		where := L.Where(level)
		if where == "" {
			return "?:0"
		}
		if !strings.HasPrefix(where, "[G]") {
			return strings.TrimSuffix(where, ":")
		}
	}
}

// fail raises an error in Lua that begins with the place of the call.
func fail(L *lua.LState, format string, args ...any) {
	raise(L, pos(L)+": "+fmt.Sprintf(format, args...))
}

// raise raises an error with exactly that text.
func raise(L *lua.LState, text string) { L.Error(lua.LString(text), 0) }

// check raises err, if there is one, behind the place of the call.
func check(L *lua.LState, err error) {
	if err != nil {
		fail(L, "%v", err)
	}
}
