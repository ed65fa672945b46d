package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// maxThreads bounds how deep calls from Go into Lua may be nested.
const maxThreads = 64

// maxErrorText bounds the text of an error, in bytes.
const maxErrorText = 4 << 10

// enter returns the thread of Lua for a call from Go, and leave gives it back.
//
// Each nested call has a thread of its own, because an error closes the
// variables of all functions that run on its thread: those that go on would no
// longer share them with the functions they hold.
func (c *Config) enter() (*lua.LState, error) {
	if c.nested == maxThreads {
		return nil, fmt.Errorf("functions are called within one another more than %d deep", maxThreads)
	}
	if c.nested == len(c.threads) {
		c.threads = append(c.threads, c.newThread())
	}
	c.nested++
	return c.threads[c.nested-1], nil
}

func (c *Config) leave() { c.nested-- }

// newThread makes a thread that the watchdog watches. One made while the state
// has a context gets a context of its own, with a goroutine; so it is made
// without.
func (c *Config) newThread() *lua.LState {
	c.lua.RemoveContext()
	thread, _ := c.lua.NewThread()
	c.lua.SetContext(c.watch)
	thread.SetContext(c.watch)
	return thread
}

// call calls a Lua function and returns its first result. The error is an
// *engine.RuleError whose text begins with FILE:LINE. A function that is cut off
// again and again is not called for a while: that is an error, too.
func (c *Config) call(fn *lua.LFunction, args ...lua.LValue) (lua.LValue, error) {
	var q *quarantine
	if len(c.quarantines) > 0 {
		q = c.quarantines[fn]
	}
	if q != nil && q.held() {
		return lua.LNil, c.callError(fn, fmt.Errorf("not called: it was cut off %d times in a row", q.cuts))
	}
	v, cut, err := c.run(fn, args)
	switch {
	case cut:
		if q == nil {
			q = &quarantine{config: c, name: placeOf(fn)}
			c.quarantines[fn] = q
		}
		q.failed(err, true)
	case q != nil:
		q.succeeded()
		delete(c.quarantines, fn)
	}
	return v, err
}

// run calls a Lua function. cut says that it was cut off.
func (c *Config) run(fn *lua.LFunction, args []lua.LValue) (v lua.LValue, cut bool, err error) {
	L, err := c.enter()
	if err != nil {
		return lua.LNil, false, c.callError(fn, err)
	}
	defer c.leave()
	c.kept.note(fn)
	c.watch.begin()
	L.Push(fn)
	for _, arg := range args {
		L.Push(arg)
	}
	err = L.PCall(len(args), 1, nil)
	cut = c.watch.end()
	if err != nil {
		L.SetTop(0)
		return lua.LNil, cut, c.callError(fn, err)
	}
	v = L.Get(-1)
	L.SetTop(0)
	if cut {
		return lua.LNil, true, c.callError(fn, c.watch.Err())
	}
	return v, false, nil
}

// protectedCall is pcall(fn, …).
func (c *Config) protectedCall(L *lua.LState) int {
	L.CheckAny(1)
	return c.protect(L, 2, nil)
}

// protectedCallWith is xpcall(fn, handler).
func (c *Config) protectedCallWith(L *lua.LState) int {
	L.CheckAny(1)
	handler := L.CheckFunction(2)
	return c.protect(L, 3, handler)
}

// protect calls the first value on the stack with those from first on, and
// returns true and the results, or false and the error.
func (c *Config) protect(L *lua.LState, first int, handler *lua.LFunction) int {
	thread, err := c.enter()
	check(L, err)
	defer c.leave()
	n := L.GetTop()
	thread.Push(L.Get(1))
	for i := first; i <= n; i++ {
		thread.Push(L.Get(i))
	}
	err = thread.PCall(max(n-first+1, 0), lua.MultRet, nil)
	if err == nil {
		L.Push(lua.LTrue)
		results := thread.GetTop()
		thread.XMoveTo(L, results)
		return 1 + results
	}
	thread.SetTop(0)
	value := errorValue(err)
	if handler != nil {
		L.Push(handler)
		L.Push(value)
		L.Call(1, 1)
		value = L.Get(-1)
	}
	L.Push(lua.LFalse)
	L.Push(value)
	return 2
}

// errorValue returns what was given to error().
func errorValue(err error) lua.LValue {
	var api *lua.ApiError
	if errors.As(err, &api) && api.Object != nil {
		return api.Object
	}
	return lua.LString(err.Error())
}

// callError makes an error of what a call into Lua failed with: the message,
// without the trace, behind a place.
func (c *Config) callError(fn *lua.LFunction, err error) error {
	text := c.errorText(errorValue(err))
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	if !c.hasPlace(text) {
		text = placeOf(fn) + ": " + text
	}
	return &engine.RuleError{Err: errors.New(text + c.hint(text))}
}

// hint says which name was probably meant, when an error may come from a
// variable that is not there.
func (c *Config) hint(text string) string {
	place, message, _ := strings.Cut(text, ": ")
	ofFunction := strings.HasPrefix(message, "attempt to index a non-table object(function)")
	if !ofFunction && !strings.HasPrefix(message, "attempt to call a non-function") && !strings.HasPrefix(message, "attempt to index a non-table object(nil)") {
		return ""
	}
	i := strings.LastIndexByte(place, ':')
	line, err := strconv.Atoi(place[max(i, 0)+1:])
	if i < 0 || err != nil {
		return ""
	}
	known := fieldNames(c.lua.G.Global)
	for _, name := range c.chunks.names[place[:i]][line] {
		if ofFunction && name == "event" {
			return `; did you mean "events"?`
		}
		if slices.Contains(withheld, name) {
			return fmt.Sprintf("; rules have no %q", name)
		}
		if ofFunction || slices.Contains(known, name) {
			continue
		}
		near := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return k[:min(1, len(k))] != name[:1] })
		if meant := plugins.DidYouMean(name, near); strings.HasPrefix(meant, "; did") {
			return fmt.Sprintf("; there is no %q%s", name, meant)
		}
	}
	return ""
}

// errorText shows what was given to error(): usually a string.
func (c *Config) errorText(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return string(v)
	case lua.LNumber:
		return v.String()
	}
	if show, ok := c.lua.GetMetaField(v, "__tostring").(*lua.LFunction); ok {
		if text, err := c.call(show, v); err == nil {
			return text.String()
		}
	}
	return "(the error is a " + v.Type().String() + ")" // its address would differ from run to run
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
