package rules

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// stringFormat is string.format, as in Lua 5.1, except that "%s" shows any
// value as tostring does.
func stringFormat(L *lua.LState) int {
	format := L.CheckString(1)
	var out []byte
	arg := 1
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			break
		}
		out = append(out, format[:i]...)
		format = format[i+1:]
		if strings.HasPrefix(format, "%") {
			out, format = append(out, '%'), format[1:]
			continue
		}
		n := directive(L, format)
		arg++
		out = appendFormatted(L, out, format[:n], format[n], arg)
		format = format[n+1:]
		if len(out) > maxString {
			tooLong(L, "string.format")
		}
	}
	pushMade(L, string(append(out, format...)))
	return 1
}

// directive returns the length of the flags, the width and the precision of
// what stands behind a '%'. As in Lua 5.1 the numbers have two digits at most.
func directive(L *lua.LState, format string) int {
	digits := func(i int) int {
		from := i
		for i < len(format) && isDigit(format[i]) {
			i++
		}
		if i-from > 2 {
			fail(L, "string.format: the width or the precision has more than two digits")
		}
		return i
	}
	i := 0
	for i < len(format) && i < 5 && strings.IndexByte("-+ #0", format[i]) >= 0 {
		i++
	}
	i = digits(i)
	if i < len(format) && format[i] == '.' {
		i = digits(i + 1)
	}
	if i == len(format) {
		fail(L, "string.format: the format ends within a directive")
	}
	return i
}

// appendFormatted adds an argument as the flags and the verb of a directive say.
func appendFormatted(L *lua.LState, out []byte, flags string, verb byte, arg int) []byte {
	switch verb {
	case 'c':
		return fmt.Appendf(out, "%"+flags+"s", string([]byte{byte(L.CheckInt(arg))}))
	case 'd', 'i':
		n := int64(L.CheckNumber(arg))
		if flags == "" {
			return strconv.AppendInt(out, n, 10)
		}
		return fmt.Appendf(out, "%"+flags+"d", n)
	case 'u':
		return fmt.Appendf(out, "%"+flags+"d", unsigned(L.CheckNumber(arg)))
	case 'o', 'x', 'X':
		return fmt.Appendf(out, "%"+flags+string(verb), unsigned(L.CheckNumber(arg)))
	case 'e', 'E', 'f', 'g', 'G':
		f := float64(L.CheckNumber(arg))
		if math.IsInf(f, 0) || math.IsNaN(f) {
			width, _, _ := strings.Cut(strings.TrimLeft(flags, "+ #0"), ".")
			return fmt.Appendf(out, "%"+width+"s", formatNumber(f))
		}
		if !strings.Contains(flags, ".") {
			flags += ".6"
		}
		return fmt.Appendf(out, "%"+flags+string(verb), f)
	case 'q':
		return appendQuoted(out, L.CheckString(arg))
	case 's':
		text := toString(L, L.CheckAny(arg))
		if flags == "" {
			return append(out, text...)
		}
		return fmt.Appendf(out, "%"+flags+"s", text)
	}
	fail(L, "string.format: there is no directive '%%%s%c'", flags, verb)
	return nil
}

// unsigned is the number as C prints it where it wants one without a sign.
func unsigned(n lua.LNumber) uint64 {
	if n < 0 {
		return uint64(int64(n))
	}
	return uint64(n)
}

// appendQuoted adds a string as Lua reads it back.
func appendQuoted(out []byte, s string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\', '\n':
			out = append(out, '\\', c)
		case '\r':
			out = append(out, `\r`...)
		case 0:
			out = append(out, `\000`...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// toString is tostring.
func toString(L *lua.LState, v lua.LValue) string {
	if s, ok := stringOf(v); ok {
		return s
	}
	return L.ToStringMeta(v).String()
}

// baseToString is the global tostring.
func baseToString(L *lua.LState) int {
	L.Push(lua.LString(toString(L, L.CheckAny(1))))
	return 1
}
