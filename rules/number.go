package rules

import (
	"math"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// formatNumber writes a number as tostring and ".." do: as Lua 5.1 ("%.14g"),
// except that whole numbers keep all their digits, as counters of bytes need.
func formatNumber(f float64) string {
	switch {
	case f == math.Trunc(f) && math.Abs(f) < 1<<63:
		return strconv.FormatInt(int64(f), 10)
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', 14, 64)
}

// stringOf returns the text that Lua takes a value for where it wants a string:
// that of strings and numbers.
func stringOf(v lua.LValue) (text string, ok bool) {
	switch v := v.(type) {
	case lua.LString:
		return string(v), true
	case lua.LNumber:
		return formatNumber(float64(v)), true
	}
	return "", false
}
