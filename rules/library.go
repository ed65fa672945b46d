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
	L.SetGlobal("tonumber", L.NewFunction(exponents(L.GetGlobal("tonumber"))))
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
