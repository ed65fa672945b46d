package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// maxDeep bounds how deep values are compared and shown: a table can hold
// itself.
const maxDeep = 32

// eq is t:eq(a, b).
func (t *tester) eq(a *args) int {
	if got, want := a.get(1), a.get(2); !t.config.deepEqual(got, want, 0) {
		t.differs(a, "not equal", got, want, true)
	}
	return 0
}

// match is t:match(actual, expected).
func (t *tester) match(a *args) int {
	got, want := a.get(1), a.get(2)
	if _, ok := want.(*lua.LTable); !ok {
		a.wrong(2, "a list of events")
	}
	if why := t.config.mismatch(got, want, "", 0); why != "" {
		t.differs(a, why, got, want, false)
	}
	return 0
}

// differs ends a test in which got is not what it should be.
func (t *tester) differs(a *args, why string, got, want lua.LValue, exact bool) {
	detail, most := t.config.sideBySide(got, want, exact), maxShown
	if detail != "" {
		most = maxShownBeside
	}
	t.failedWith(a, detail, "%s; expected %s, got %s", why, showUpTo(want, most), showUpTo(got, most))
}

// mismatch says where what was got differs from what is expected; "" is
// nowhere. at names the place.
func (c *Config) mismatch(got, want lua.LValue, at string, depth int) string {
	place := func(format string, values ...any) string {
		text := fmt.Sprintf(format, values...)
		if at == "" {
			return text
		}
		return at + ": " + text
	}
	if depth > maxDeep {
		return place("nested more than %d deep", maxDeep)
	}
	if isNone(want) || isNone(got) {
		if isNone(want) && isNone(got) {
			return ""
		}
		return place("differs")
	}
	e := eventOf(got)
	if expected := eventOf(want); expected != nil {
		want = c.fieldsOf(expected)
		if e == nil {
			return place("not an event")
		}
	}
	expected, ok := want.(*lua.LTable)
	if !ok {
		if c.deepEqual(got, want, depth) {
			return ""
		}
		return place("differs")
	}
	if e != nil {
		if expected.RawGetInt(1) != lua.LNil {
			return place("an event, not a list")
		}
		return c.mismatchedField(e, expected, place)
	}
	list, ok := got.(*lua.LTable)
	if !ok {
		return place("not an event")
	}
	if !isList(expected) {
		return c.mismatchedKey(list, expected, place)
	}
	if n, m := list.Len(), expected.Len(); n != m {
		return place("%s, not %d", counted(n), m)
	}
	for i := 1; i <= list.Len(); i++ {
		inner := fmt.Sprintf("%s[%d]", at, i)
		if why := c.mismatch(list.RawGetInt(i), expected.RawGetInt(i), inner, depth+1); why != "" {
			return why
		}
	}
	return ""
}

func counted(n int) string {
	if n == 1 {
		return "1 element"
	}
	return fmt.Sprintf("%d elements", n)
}

// mismatchedField says which of the expected fields an event does not have.
func (c *Config) mismatchedField(e *engine.Event, expected *lua.LTable, place func(string, ...any) string) (why string) {
	for _, name := range fieldNames(expected) {
		want, got := expected.RawGetString(name), c.eventField(e, name)
		if isNone(want) {
			if got != lua.LNil && !(name == "tags" && len(e.ID.Labels.Tags) == 0) {
				return place("%s is there", name)
			}
			continue
		}
		if engine.FieldNamed(name).IsAttr() {
			if v, err := fieldValue(want); err == nil && v.Kind != engine.Absent {
				want = lua.LString(v.String())
			}
		}
		if !c.deepEqual(got, want, 1) {
			return place("%s differs", name)
		}
	}
	return ""
}

// mismatchedKey says which of the expected keys a plain table does not have.
func (c *Config) mismatchedKey(got, expected *lua.LTable, place func(string, ...any) string) string {
	for _, name := range fieldNames(expected) {
		want, v := expected.RawGetString(name), got.RawGetString(name)
		switch {
		case isNone(want):
			if v != lua.LNil && !isNone(v) {
				return place("%s is there", name)
			}
		case !c.deepEqual(v, want, 1):
			return place("%s differs", name)
		}
	}
	return ""
}

// fieldNames returns the names in a table, sorted.
func fieldNames(t *lua.LTable) []string {
	var names []string
	t.ForEach(func(k, _ lua.LValue) {
		if name, ok := k.(lua.LString); ok {
			names = append(names, string(name))
		}
	})
	slices.Sort(names)
	return names
}

// fieldsOf returns the fields of an event as a table.
func (c *Config) fieldsOf(e *engine.Event) *lua.LTable {
	t := &lua.LTable{Metatable: lua.LNil}
	for _, name := range []string{"host", "service", "state", "description", "time", "metric", "ttl"} {
		if v := c.eventField(e, name); v != lua.LNil {
			t.RawSetString(name, v)
		}
	}
	if len(e.ID.Labels.Tags) > 0 {
		t.RawSetString("tags", c.eventField(e, "tags"))
	}
	for _, a := range e.ID.Labels.Attrs {
		t.RawSetString(a.Key, lua.LString(a.Value))
	}
	return t
}

// deepEqual compares two values deeply.
func (c *Config) deepEqual(a, b lua.LValue, depth int) bool {
	if depth > maxDeep {
		return false
	}
	if x, ok := a.(lua.LNumber); ok {
		y, ok := b.(lua.LNumber)
		return ok && near(float64(x), float64(y))
	}
	if eventOf(a) != nil || eventOf(b) != nil {
		a, b = c.plain(a), c.plain(b)
	}
	s, ok := a.(*lua.LTable)
	t, also := b.(*lua.LTable)
	if !ok || !also {
		return a == b
	}
	return s == t || c.sameTables(s, t, depth)
}

// plain returns an event, or a table that could be one, as a table of all its
// fields.
func (c *Config) plain(v lua.LValue) lua.LValue {
	if isNone(v) {
		return v
	}
	if e, err := c.toEvent(v); err == nil {
		return c.fieldsOf(&e)
	}
	return v
}

func (c *Config) sameTables(s, t *lua.LTable, depth int) bool {
	same := true
	n, m := 0, 0
	s.ForEach(func(k, v lua.LValue) {
		n++
		same = same && c.deepEqual(v, t.RawGet(k), depth+1)
	})
	t.ForEach(func(_, _ lua.LValue) { m++ })
	return same && n == m
}

// near compares numbers within 1e-9 of their size.
func near(x, y float64) bool {
	if x == y || x != x && y != y {
		return true
	}
	return math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y))
}

// Bounds of the values in a failure, in bytes.
const (
	maxShown       = 2000
	maxShownBeside = 300 // when they are shown side by side as well
)

// show shows a value on one line, as one would write it in Lua.
func show(v lua.LValue) string { return showUpTo(v, maxShown) }

func showUpTo(v lua.LValue, most int) string {
	text := showIn(v, 0)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

func showIn(v lua.LValue, depth int) string {
	switch v := v.(type) {
	case lua.LString:
		return quoteLong(string(v))
	case *lua.LNilType:
		return "nil"
	case lua.LNumber:
		return engine.NumberValue(float64(v)).String()
	case *lua.LUserData:
		if e := eventOf(v); e != nil {
			return showEvent(e)
		}
		return strings.TrimPrefix(strings.TrimPrefix(describe(v), "a "), "an ")
	case *lua.LTable:
		return showTable(v, depth)
	}
	return v.String()
}

func showTable(t *lua.LTable, depth int) string {
	if depth > maxDeep {
		return "{ … }"
	}
	var parts []string
	for i := 1; i <= t.Len(); i++ {
		parts = append(parts, showIn(t.RawGetInt(i), depth+1))
	}
	for _, name := range fieldNames(t) {
		parts = append(parts, name+" = "+showIn(t.RawGetString(name), depth+1))
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// quoteLong quotes a text that a failure shows whole, on one line.
func quoteLong(s string) string { return fmt.Sprintf("%q", s) }
