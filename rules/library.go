package rules

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// amend brings into line with Lua 5.1 what the libraries of gopher-lua do
// otherwise.
func amend(L *lua.LState) {
	L.GetGlobal("math").(*lua.LTable).RawSetString("huge", lua.LNumber(math.Inf(1)))
	str := L.GetGlobal("string").(*lua.LTable)
	gmatch := iterator(str.RawGetString("gmatch"))
	str.RawSetString("gmatch", L.NewFunction(gmatch))
	str.RawSetString("gfind", L.NewFunction(gmatch))
	L.SetGlobal("tonumber", L.NewFunction(exponents(L.GetGlobal("tonumber"))))
}

// iterator makes of a function, whose results serve only a for loop, one whose
// result can be called by itself.
func iterator(makes lua.LValue) lua.LGFunction {
	return func(L *lua.LState) int {
		n := L.GetTop()
		L.Insert(makes, 1)
		L.Call(n, 2)
		next, state := L.Get(1), L.Get(2)
		L.SetTop(0)
		L.Push(L.NewFunction(func(L *lua.LState) int {
			L.SetTop(0)
			L.Push(next)
			L.Push(state)
			L.Call(1, lua.MultRet)
			return L.GetTop()
		}))
		return 1
	}
}

// exponents makes a tonumber that takes "1e3", too.
func exponents(tonumber lua.LValue) lua.LGFunction {
	return func(L *lua.LState) int {
		text, isText := L.Get(1).(lua.LString)
		n := L.GetTop()
		L.Insert(tonumber, 1)
		L.Call(n, 1)
		if isText && n == 1 && L.Get(1) == lua.LNil {
			if f, ok := engine.ParseNumber(strings.TrimSpace(string(text))); ok {
				L.SetTop(0)
				L.Push(lua.LNumber(f))
			}
		}
		return 1
	}
}
