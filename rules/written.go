package rules

import (
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine/stream"
)

// writtenCall is how an operator was called.
type writtenCall struct {
	behind *stream.Stream
	text   string
}

// written shows the arguments of a call as a rules file has them.
func (a *args) written() string {
	if a.count() == 1 {
		switch v := a.get(1).(type) {
		case lua.LString:
			return " " + writtenText(string(v))
		case *lua.LTable:
			return " " + written(v)
		}
	}
	parts := make([]string, a.count())
	for i := range parts {
		parts[i] = written(a.get(i + 1))
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func written(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return writtenText(string(v))
	case *lua.LFunction:
		return "function"
	case *lua.LUserData:
		if s := sinkValue(v); s != nil {
			return s.Name
		}
	case *lua.LTable:
		var parts []string
		for i := 1; i <= v.Len(); i++ {
			parts = append(parts, written(v.RawGetInt(i)))
		}
		for _, name := range fieldNames(v) {
			parts = append(parts, name+" = "+written(v.RawGetString(name)))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return show(v)
}

// writtenText quotes a text by the mark that it does not hold.
func writtenText(s string) string {
	if strings.Contains(s, `"`) && !strings.ContainsAny(s, "'\\\n") {
		return "'" + s + "'"
	}
	return quoteLong(s)
}
