package rules

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// maxString bounds the strings that the libraries and ".." make, in bytes.
const maxString = 16 << 20

// boundStrings puts functions that keep to maxString, and that can be cut off,
// in the place of those that do not and cannot.
func boundStrings(L *lua.LState) {
	str := L.GetGlobal(lua.StringLibName).(*lua.LTable)
	gmatch := L.NewFunction(stringGmatch)
	L.SetFuncs(str, map[string]lua.LGFunction{
		"find": stringFind, "match": stringMatch, "gsub": stringGsub, "format": stringFormat, "rep": stringRep,
	})
	str.RawSetString("gmatch", gmatch)
	str.RawSetString("gfind", gmatch)
	str.RawSetString("dump", lua.LNil)
}

// pushMade pushes a string that a library has made, and has its memory counted.
func pushMade(L *lua.LState, s string) {
	if len(s) >= largeMade {
		watchdogOf(L).made(len(s))
	}
	L.Push(lua.LString(s))
}

// tooLong raises the error of a string that would be longer than maxString.
func tooLong(L *lua.LState, maker string) {
	fail(L, "%s makes a string of more than %d bytes", maker, maxString)
}

func stringRep(L *lua.LState) int {
	s, n := L.CheckString(1), L.CheckInt(2)
	if n > 0 && len(s) > maxString/n {
		tooLong(L, "string.rep")
	}
	pushMade(L, strings.Repeat(s, max(n, 0)))
	return 1
}

// newMatcher makes a matcher that the watchdog of L can stop.
func newMatcher(L *lua.LState, src, pattern string) *matcher {
	return &matcher{src: src, pattern: pattern, look: watchdogOf(L).over, left: lookSteps}
}

// anchored takes the '^' off a pattern.
func anchored(pattern string) (rest string, at bool) { return strings.CutPrefix(pattern, "^") }

// position makes an index of a position in Lua, which may count from the end.
func position(L *lua.LState, n int, text string) int {
	at := L.OptInt(n, 1)
	if at < 0 {
		at += len(text) + 1
	}
	return min(max(at-1, 0), len(text))
}

func stringFind(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	from := position(L, 3, text)
	if lua.LVAsBool(L.Get(4)) || !strings.ContainsAny(pattern, "^$*+?.([%-") {
		i := strings.Index(text[from:], pattern)
		if i < 0 {
			L.Push(lua.LNil)
			return 1
		}
		L.Push(lua.LNumber(from + i + 1))
		L.Push(lua.LNumber(from + i + len(pattern)))
		return 2
	}
	pattern, at := anchored(pattern)
	m := newMatcher(L, text, pattern)
	start, end, err := m.next(from, at)
	check(L, err)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	L.Push(lua.LNumber(start + 1))
	L.Push(lua.LNumber(end))
	return 2 + m.push(L)
}

func stringMatch(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	pattern, at := anchored(pattern)
	m := newMatcher(L, text, pattern)
	start, end, err := m.next(position(L, 3, text), at)
	check(L, err)
	if start < 0 {
		L.Push(lua.LNil)
		return 1
	}
	return m.pushAll(L, start, end)
}

func stringGmatch(L *lua.LState) int {
	m := newMatcher(L, L.CheckString(1), L.CheckString(2))
	from := 0
	L.Push(L.NewFunction(func(L *lua.LState) int {
		m.look = watchdogOf(L).over
		start, end, err := m.next(from, false)
		check(L, err)
		if start < 0 {
			from = len(m.src) + 1
			L.Push(lua.LNil)
			return 1
		}
		from = end
		if end == start {
			from++
		}
		return m.pushAll(L, start, end)
	}))
	return 1
}

// push pushes the captures of the last match.
func (m *matcher) push(L *lua.LState) int {
	for i := range m.level {
		v, err := m.captured(i)
		check(L, err)
		L.Push(v)
	}
	return m.level
}

// pushAll pushes the captures, or the whole match where there are none.
func (m *matcher) pushAll(L *lua.LState, start, end int) int {
	if m.level == 0 {
		L.Push(lua.LString(m.src[start:end]))
		return 1
	}
	return m.push(L)
}

// captured returns capture i.
func (m *matcher) captured(i int) (lua.LValue, error) {
	if i >= m.level {
		return nil, fmt.Errorf("invalid capture index %%%d", i+1)
	}
	switch c := m.captures[i]; c.size {
	case captureOpen:
		return nil, fmt.Errorf("the pattern lacks a ')'")
	case capturePosition:
		return lua.LNumber(c.start + 1), nil
	default:
		return lua.LString(m.src[c.start : c.start+c.size]), nil
	}
}

// first returns the first capture, or the whole match where there are none.
func (m *matcher) first(start, end int) (lua.LValue, error) {
	if m.level == 0 {
		return lua.LString(m.src[start:end]), nil
	}
	return m.captured(0)
}

func stringGsub(L *lua.LState) int {
	text, pattern := L.CheckString(1), L.CheckString(2)
	L.CheckTypes(3, lua.LTString, lua.LTNumber, lua.LTTable, lua.LTFunction)
	by, limit := L.Get(3), L.OptInt(4, len(text)+1)
	pattern, at := anchored(pattern)
	m := newMatcher(L, text, pattern)
	var out strings.Builder
	n, copied := 0, 0
	for from := 0; n < limit; {
		start, end, err := m.next(from, at)
		check(L, err)
		if start < 0 {
			break
		}
		n++
		out.WriteString(text[copied:start])
		out.WriteString(m.replacement(L, by, start, end))
		if out.Len() > maxString {
			tooLong(L, "string.gsub")
		}
		copied, from = end, end
		if end == start {
			from++
		}
		if at {
			break
		}
	}
	if len(text)-copied > maxString-out.Len() {
		tooLong(L, "string.gsub")
	}
	out.WriteString(text[copied:])
	pushMade(L, out.String())
	L.Push(lua.LNumber(n))
	return 2
}

// replacement returns what string.gsub puts in the place of a match.
func (m *matcher) replacement(L *lua.LState, by lua.LValue, start, end int) string {
	var v lua.LValue
	switch by := by.(type) {
	case *lua.LTable:
		key, err := m.first(start, end)
		check(L, err)
		v = L.GetTable(by, key)
	case *lua.LFunction:
		L.Push(by)
		L.Call(m.pushAll(L, start, end), 1)
		v = L.Get(-1)
		L.Pop(1)
	default:
		template, _ := stringOf(by)
		return m.fill(L, template, start, end)
	}
	if lua.LVIsFalse(v) {
		return m.src[start:end]
	}
	s, ok := stringOf(v)
	if !ok {
		fail(L, "string.gsub: invalid replacement value (a %s)", v.Type())
	}
	return s
}

// fill puts captures in the place of "%0" to "%9".
func (m *matcher) fill(L *lua.LState, template string, start, end int) string {
	if strings.IndexByte(template, '%') < 0 {
		return template
	}
	var out strings.Builder
	for i := 0; i < len(template); i++ {
		c := template[i]
		if c != '%' || i+1 == len(template) {
			out.WriteByte(c)
			continue
		}
		i++
		switch c = template[i]; {
		case c == '0':
			out.WriteString(m.src[start:end])
		case isDigit(c):
			v, err := m.captured(int(c - '1'))
			if c == '1' {
				v, err = m.first(start, end)
			}
			check(L, err)
			s, _ := stringOf(v)
			out.WriteString(s)
		default:
			out.WriteByte(c)
		}
		if out.Len() > maxString {
			tooLong(L, "string.gsub")
		}
	}
	return out.String()
}
