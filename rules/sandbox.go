package rules

import (
	"math/rand/v2"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Bounds of what Lua can use.
const (
	// callDepth is how deep functions may call one another.
	callDepth = 500
	// registers is how many values the stack holds.
	registers = 256 * 1024
	// coroutineDepth is how deep coroutines may resume one another: each is a
	// piece of the goroutine's own stack.
	coroutineDepth = 32
	// maxPrinted bounds what one call of print writes, in bytes.
	maxPrinted = 64 << 10
	// maxDateFormat bounds the format of os.date, in bytes.
	maxDateFormat = 1 << 10
)

// withheld are the names of Lua that rules have not.
var withheld = []string{
	"collectgarbage", "debug", "dofile", "getfenv", "io", "load", "loadfile", "loadstring", "module", "newproxy",
	"_printregs", "setfenv", "_GOPHER_LUA_VERSION", "package",
}

// newLua makes a Lua state that has the libraries of the language and no more.
func (c *Config) newLua() *lua.LState {
	L := lua.NewState(lua.Options{
		CallStackSize: callDepth, RegistrySize: 4096, RegistryMaxSize: registers, RegistryGrowStep: 4096,
		SkipOpenLibs: true,
	})
	for name, open := range map[string]lua.LGFunction{
		"": lua.OpenBase, lua.StringLibName: lua.OpenString, lua.TabLibName: lua.OpenTable,
		lua.MathLibName: lua.OpenMath, lua.CoroutineLibName: lua.OpenCoroutine, lua.OsLibName: lua.OpenOs,
	} {
		L.Push(L.NewFunction(open))
		L.Push(lua.LString(name))
		L.Call(1, 0)
	}
	L.SetContext(c.watch)
	return L
}

// restrict takes away what reaches outside, and puts what follows the engine's
// clock in its place. It runs once, before any rules file.
func (c *Config) restrict(L *lua.LState) {
	for _, name := range withheld {
		L.SetGlobal(name, lua.LNil)
	}
	L.SetGlobal("print", L.NewFunction(c.print))
	L.SetGlobal("pcall", L.NewFunction(c.protectedCall))
	L.SetGlobal("xpcall", L.NewFunction(c.protectedCallWith))
	L.SetGlobal("getmetatable", L.NewFunction(getMetatable))
	L.SetGlobal("tostring", L.NewFunction(baseToString))
	amend(L)
	boundStrings(L)
	boundTables(L)
	c.find = L.GetGlobal(lua.StringLibName).(*lua.LTable).RawGetString("find").(*lua.LFunction)
	c.restrictOs(L)
	c.seedRandom(L)
	c.boundCoroutines(L)
}

// print writes to the log.
func (c *Config) print(L *lua.LState) int {
	var out strings.Builder
	for i := range L.GetTop() {
		if i > 0 {
			out.WriteByte('\t')
		}
		text := toString(L, L.Get(i+1))
		if out.Len()+len(text) > maxPrinted {
			out.WriteString(text[:max(maxPrinted-out.Len(), 0)] + "…")
			break
		}
		out.WriteString(text)
	}
	c.printed.Info(out.String(), "at", pos(L))
	return 0
}

// getMetatable keeps the metatables of our own values to ourselves.
func getMetatable(L *lua.LState) int {
	mt := L.GetMetatable(L.CheckAny(1))
	if t, ok := mt.(*lua.LTable); ok {
		if shown := t.RawGetString("__metatable"); shown != lua.LNil {
			mt = shown
		}
	}
	L.Push(mt)
	return 1
}

// restrictOs leaves os.time, os.date, os.clock and os.difftime, on the
// engine's clock.
func (c *Config) restrictOs(L *lua.LState) {
	all := L.GetGlobal(lua.OsLibName).(*lua.LTable)
	date := all.RawGetString("date").(*lua.LFunction).GFunction
	clock := all.RawGetString("time").(*lua.LFunction).GFunction
	seconds := func() lua.LNumber { return lua.LNumber(int64(c.now().Seconds())) }
	L.SetGlobal(lua.OsLibName, L.SetFuncs(L.NewTable(), map[string]lua.LGFunction{
		"clock": func(L *lua.LState) int {
			L.Push(lua.LNumber(c.now().Seconds()))
			return 1
		},
		"date": func(L *lua.LState) int {
			format := L.OptString(1, "%c")
			if len(format) > maxDateFormat {
				fail(L, "os.date: the format has more than %d bytes", maxDateFormat)
			}
			at := L.OptNumber(2, seconds())
			L.SetTop(0)
			L.Push(lua.LString(format))
			L.Push(at)
			return date(L)
		},
		"time": func(L *lua.LState) int {
			if L.Get(1) == lua.LNil {
				L.Push(seconds())
				return 1
			}
			return clock(L)
		},
		"difftime": func(L *lua.LState) int {
			L.Push(L.CheckNumber(1) - L.CheckNumber(2))
			return 1
		},
	}))
}

// seedRandom has math.random give the same numbers in each run.
func (c *Config) seedRandom(L *lua.LState) {
	source := rand.NewPCG(0, 0)
	random := rand.New(source)
	L.SetFuncs(L.GetGlobal(lua.MathLibName).(*lua.LTable), map[string]lua.LGFunction{
		"random": func(L *lua.LState) int {
			if L.GetTop() == 0 {
				L.Push(lua.LNumber(random.Float64()))
				return 1
			}
			low, high := int64(1), L.CheckInt64(1)
			if L.GetTop() > 1 {
				low, high = high, L.CheckInt64(2)
			}
			if high < low || high-low < 0 || high-low+1 <= 0 {
				fail(L, "math.random: no numbers from %d to %d", low, high)
			}
			L.Push(lua.LNumber(low + random.Int64N(high-low+1)))
			return 1
		},
		"randomseed": func(L *lua.LState) int {
			source.Seed(uint64(L.CheckInt64(1)), 0)
			return 0
		},
	})
}

// boundCoroutines bounds how deep coroutines may resume one another, and has
// them watched like any other call.
func (c *Config) boundCoroutines(L *lua.LState) {
	lib := L.GetGlobal(lua.CoroutineLibName).(*lua.LTable)
	original := func(name string) lua.LGFunction { return lib.RawGetString(name).(*lua.LFunction).GFunction }
	create, wrap, resume := original("create"), original("wrap"), original("resume")
	depth := 0
	bounded := func(resume lua.LGFunction) lua.LGFunction {
		return func(L *lua.LState) int {
			if depth >= coroutineDepth {
				fail(L, "coroutines resume one another more than %d deep", coroutineDepth)
			}
			depth++
			defer func() { depth-- }()
			return resume(L)
		}
	}
	// As for newThread, a coroutine is made while the state has no context.
	made := func(L *lua.LState, make lua.LGFunction) lua.LValue {
		L.CheckFunction(1)
		L.RemoveContext()
		make(L)
		L.SetContext(c.watch)
		return L.Get(-1)
	}
	L.SetFuncs(lib, map[string]lua.LGFunction{
		"create": func(L *lua.LState) int {
			made(L, create).(*lua.LState).SetContext(c.watch)
			return 1
		},
		"wrap": func(L *lua.LState) int {
			fn := made(L, wrap).(*lua.LFunction)
			thread := fn.Upvalues[0].Value()
			thread.(*lua.LState).SetContext(c.watch)
			L.Push(L.NewClosure(bounded(fn.GFunction), thread))
			return 1
		},
		"resume": bounded(resume),
	})
}

// setFunction sets a global function of the language.
func (c *Config) setFunction(name string, fn lua.LGFunction) {
	c.lua.SetGlobal(name, c.lua.NewFunction(fn))
}
