package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"

	"tocsin/plugins/terminal"
)

// Bounds of what is shown beside one another.
const (
	columnWidth = 48  // of a column in characters; longer text goes on below
	maxCell     = 500 // of one value in bytes
	maxRows     = 40  // then no more elements are shown
)

// besider shows what was expected beside what was got.
type besider struct {
	config *Config
	exact  bool // as t:eq compares; otherwise only the fields that are expected count
	rows   []besideRow
	left   int // elements that are not shown
}

type besideRow struct {
	differs                 bool
	place, expected, actual string
}

// sideBySide shows the elements and fields of two values in two columns, with
// "!" before those that differ. It returns "" for values that have neither.
func (c *Config) sideBySide(got, want lua.LValue, exact bool) string {
	b := &besider{config: c, exact: exact}
	gots, isList := elements(got)
	wants, alsoList := elements(want)
	switch {
	case isList && alsoList:
		b.lists(gots, wants)
	case b.fields("", got, want):
	default:
		return ""
	}
	return b.String()
}

// elements returns the elements of a list.
func elements(v lua.LValue) ([]lua.LValue, bool) {
	t, ok := v.(*lua.LTable)
	if !ok || !isList(t) {
		return nil, false
	}
	list := make([]lua.LValue, t.Len())
	for i := range list {
		list[i] = t.RawGetInt(i + 1)
	}
	return list, true
}

func (b *besider) differ(got, want lua.LValue) bool {
	if b.exact {
		return !b.config.deepEqual(got, want, 0)
	}
	return b.config.mismatch(got, want, "", 0) != ""
}

// lists shows two lists. What is the same at both ends is left out, so that one
// element too many does not make all after it differ.
func (b *besider) lists(got, want []lua.LValue) {
	shorter := min(len(got), len(want))
	before := 0
	for before < shorter && !b.differ(got[before], want[before]) {
		before++
	}
	after := 0
	for after < shorter-before && !b.differ(got[len(got)-1-after], want[len(want)-1-after]) {
		after++
	}
	b.same(1, before)
	end := max(len(got), len(want)) - after
	for i := before; i < end; i++ {
		if len(b.rows) >= maxRows {
			b.left = end - i
			break
		}
		place := fmt.Sprintf("[%d]", i+1)
		switch {
		case i >= len(got)-after:
			b.rows = append(b.rows, besideRow{true, place, showUpTo(want[i], maxCell), "(missing)"})
		case i >= len(want)-after:
			b.rows = append(b.rows, besideRow{true, place, "(nothing)", showUpTo(got[i], maxCell)})
		default:
			b.element(place, got[i], want[i])
		}
	}
	b.same(len(got)-after+1, len(got))
}

// same says that elements are as expected.
func (b *besider) same(first, last int) {
	place := fmt.Sprintf("[%d]", first)
	if last > first {
		place += fmt.Sprintf("-[%d]", last)
	}
	if last >= first {
		b.rows = append(b.rows, besideRow{false, place, "(as expected)", ""})
	}
}

// element shows one element of two lists.
func (b *besider) element(place string, got, want lua.LValue) {
	if !b.differ(got, want) {
		b.rows = append(b.rows, besideRow{false, place, "(as expected)", ""})
	} else if !b.fields(place, got, want) {
		b.rows = append(b.rows, besideRow{true, place, showUpTo(want, maxCell), showUpTo(got, maxCell)})
	}
}

// fields shows two events, or tables with names, field by field. It reports
// whether they are such, few enough to be shown, and whether a field differs.
func (b *besider) fields(place string, got, want lua.LValue) bool {
	if b.exact && (eventOf(got) != nil || eventOf(want) != nil) {
		got, want = b.config.plain(got), b.config.plain(want)
	}
	gots, wants := b.config.named(got), b.config.named(want)
	if gots == nil || wants == nil {
		return false
	}
	names := append(fieldNames(gots), fieldNames(wants)...)
	if len(names) > 2*maxRows {
		return false
	}
	slices.SortFunc(names, byFieldOrder)
	var rows []besideRow
	differs := false
	for _, name := range slices.Compact(names) {
		g, w := gots.RawGetString(name), wants.RawGetString(name)
		row := besideRow{place: strings.TrimSpace(place + " " + name)}
		if g != lua.LNil {
			row.actual = showUpTo(g, maxCell)
		}
		if w != lua.LNil {
			row.expected = showUpTo(w, maxCell)
		}
		if b.exact {
			row.differs = b.differ(g, w)
		} else if w != lua.LNil {
			alone := b.config.lua.NewTable()
			alone.RawSetString(name, w)
			row.differs = b.differ(got, alone)
		}
		differs = differs || row.differs
		rows = append(rows, row)
	}
	if differs {
		b.rows = append(b.rows, rows...)
	}
	return differs
}

// named returns what has names: the fields of an event, or a table; else nil.
func (c *Config) named(v lua.LValue) *lua.LTable {
	if e := eventOf(v); e != nil {
		return c.fieldsOf(e)
	}
	if t, ok := v.(*lua.LTable); ok && t.Len() == 0 {
		return t
	}
	return nil
}

var fieldOrder = [...]string{"host", "service", "state", "metric", "time", "ttl", "description", "tags"}

// byFieldOrder compares names of fields: those of events first.
func byFieldOrder(x, y string) int {
	place := func(name string) int {
		if i := slices.Index(fieldOrder[:], name); i >= 0 {
			return i
		}
		return len(fieldOrder)
	}
	if d := place(x) - place(y); d != 0 {
		return d
	}
	return strings.Compare(x, y)
}

// String lays the rows out.
func (b *besider) String() string {
	place, expected := 0, len("expected")
	for _, r := range b.rows {
		place = max(place, utf8.RuneCountInString(r.place))
		expected = max(expected, min(utf8.RuneCountInString(r.expected), columnWidth))
	}
	var out strings.Builder
	line := func(mark, a, b, c string) {
		text := fmt.Sprintf("%s %-*s | %-*s | %s", mark, place, a, expected, b, c)
		out.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line(" ", "", "expected", "actual")
	for _, r := range b.rows {
		mark := " "
		if r.differs {
			mark = "!"
		}
		left, right := wrap(r.expected), wrap(r.actual)
		for i := range max(len(left), len(right)) {
			line(mark, r.place, at(left, i), at(right, i))
			r.place = ""
		}
	}
	if b.left > 0 {
		fmt.Fprintf(&out, "  … and %d more\n", b.left)
	}
	return out.String()
}

// wrap breaks a text into lines that fit a column.
func wrap(text string) []string {
	runes := []rune(text)
	var lines []string
	for len(runes) > columnWidth {
		lines = append(lines, string(runes[:columnWidth]))
		runes = runes[columnWidth:]
	}
	return append(lines, string(runes))
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// colorOfDifference is that of the rows that differ.
var colorOfDifference = terminal.Color{R: 255, G: 80, B: 80, Ansi: 9}

// colorDetail colours the rows that differ.
func colorDetail(detail string, colors terminal.Colors) string {
	if colors == terminal.Monochrome {
		return detail
	}
	var out []byte
	for line := range strings.Lines(detail) {
		if !strings.HasPrefix(line, "!") {
			out = append(out, line...)
			continue
		}
		out = append(colorOfDifference.Append(out, colors), strings.TrimSuffix(line, "\n")...)
		out = append(terminal.AppendReset(out, colors), '\n')
	}
	return string(out)
}
