package rules

import (
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxArray is up to which index a table keeps its elements in one array: slots
// of 64 MiB.
const maxArray = 4 << 20

// gopher-lua fills an array up to the index that is set, in one instruction,
// which cannot be cut off: 1 GiB at its own bound. What is set beyond this one
// is kept by its key.
func init() { lua.MaxArrayIndex = maxArray }

// boundTables puts functions that can be cut off in the place of those that
// cannot.
func boundTables(L *lua.LState) {
	L.SetFuncs(L.GetGlobal(lua.TabLibName).(*lua.LTable), map[string]lua.LGFunction{
		"concat": tableConcat, "sort": tableSort,
	})
}

func tableConcat(L *lua.LState) int {
	t, separator := L.CheckTable(1), L.OptString(2, "")
	from := L.OptInt(3, 1)
	to := L.OptInt(4, t.Len())
	var out strings.Builder
	for i := from; i <= to; i++ {
		v := t.RawGet(lua.LNumber(i))
		s, ok := stringOf(v)
		if !ok {
			fail(L, "table.concat: element %d is %s", i, describe(v))
		}
		if len(s)+len(separator) > maxString-out.Len() {
			tooLong(L, "table.concat")
		}
		out.WriteString(s)
		if i < to {
			out.WriteString(separator)
		}
	}
	pushMade(L, out.String())
	return 1
}

// sorter sorts a list, and asks now and then whether to go on.
type sorter struct {
	L      *lua.LState
	values []lua.LValue
	less   *lua.LFunction // nil: "<"
	left   int            // comparisons until the watchdog is asked
}

// Len implements sort.Interface.
func (e *sorter) Len() int { return len(e.values) }

// Swap implements sort.Interface.
func (e *sorter) Swap(i, j int) { e.values[i], e.values[j] = e.values[j], e.values[i] }

// Less implements sort.Interface.
func (e *sorter) Less(i, j int) bool {
	if e.left--; e.left <= 0 {
		e.left = lookSteps
		check(e.L, watchdogOf(e.L).over())
	}
	a, b := e.values[i], e.values[j]
	if e.less == nil {
		return e.L.LessThan(a, b)
	}
	e.L.Push(e.less)
	e.L.Push(a)
	e.L.Push(b)
	e.L.Call(2, 1)
	holds := lua.LVAsBool(e.L.Get(-1))
	e.L.Pop(1)
	return holds
}

func tableSort(L *lua.LState) int {
	t := L.CheckTable(1)
	e := &sorter{L: L, values: make([]lua.LValue, t.Len()), left: lookSteps}
	if L.Get(2) != lua.LNil {
		e.less = L.CheckFunction(2)
	}
	for i := range e.values {
		e.values[i] = t.RawGetInt(i + 1)
	}
	sort.Sort(e)
	for i, v := range e.values {
		t.RawSetInt(i+1, v)
	}
	return 0
}
