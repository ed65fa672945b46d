package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"

	"tocsin/rules"
)

// usageHead are the columns of "tocsin rules"; the first and the last stand to
// the left.
var usageHead = []string{"RULE", "LOAD", "TIME", "EACH", "IN", "OUT", "GROUPS", "ERRORS", "PLACE"}

const (
	usageErrors  = 7  // the column
	usageNameMax = 56 // how wide the first column may get
)

type usageLine struct {
	cells  []string
	indent bool
	bad    bool // it has errors, or is in quarantine
}

// table shows rules. load is in how many seconds they took their time, per by
// what events are divided.
func (c *rulesCommand) table(p *process, u *rulesAnswer, load, per float64) error {
	list := u.Rules
	if c.Limit > 0 {
		list = list[:min(c.Limit, len(list))]
	}
	var lines []usageLine
	for i := range list {
		r := &list[i]
		name, place := string(r.Kind)+" "+r.Name, r.Pos
		switch {
		case r.Kind == rules.AutoIndexUsed:
			name = r.Name
		case r.Name == r.Pos:
			place = ""
		}
		lines = append(lines, lineOf(name, place, r.UsageCounts, load, per))
		if c.Operators {
			lines = append(lines, operatorLines(r, load, per)...)
		}
	}
	return writeUsageTable(bufio.NewWriter(p.out), lines, p.colours(p.out))
}

func lineOf(name, place string, w rules.UsageCounts, load, per float64) usageLine {
	each := ""
	if w.In > 0 {
		each = shortTime(w.Seconds / float64(w.In))
	}
	share := ""
	if load > 0 {
		share = strconv.FormatFloat(100*w.Seconds/load, 'f', 2, 64) + "%"
	}
	if w.Quarantined {
		place = strings.TrimSpace(place + " (quarantined)")
	}
	return usageLine{
		cells: []string{plain(name), share, shortTime(w.Seconds), each, count(w.In, per), count(w.Out, per),
			strconv.Itoa(w.Groups), strconv.FormatUint(w.Errors, 10), plain(place)},
		bad: w.Errors > 0 || w.Quarantined,
	}
}

// operatorLines are the lines of a rule's operators, in the order drawn. Those
// that a loop has drawn at one place are one.
func operatorLines(r *rules.RuleUsage, load, per float64) (lines []usageLine) {
	type key struct {
		pos, name string
		depth     int
	}
	type sum struct {
		rules.UsageCounts
		text  string
		times int
	}
	sums := make(map[key]*sum)
	var order []key
	for i := range r.Operators {
		o := &r.Operators[i]
		k := key{o.Pos, o.Name, o.Depth}
		s := sums[k]
		if s == nil {
			s = &sum{text: o.Text}
			if s.text == "" {
				s.text = o.Name
			}
			sums[k] = s
			order = append(order, k)
		} else if s.text != o.Text {
			s.text = o.Name + " …"
		}
		s.times++
		s.Add(o.UsageCounts)
	}
	for _, k := range order {
		s := sums[k]
		if k.name == "" || r.Kind == rules.RuleUsed {
			continue // the line of the rule says it
		}
		name := s.text
		if s.times > 1 {
			name = fmt.Sprintf("%s (%d times)", name, s.times)
		}
		line := lineOf(name, k.pos, s.UsageCounts, load, per)
		line.indent = true
		lines = append(lines, line)
	}
	return lines
}

// writeUsageTable writes aligned columns.
func writeUsageTable(out *bufio.Writer, lines []usageLine, colours bool) error {
	lines = append([]usageLine{{cells: usageHead}}, lines...)
	widths := make([]int, len(usageHead))
	for i := range lines {
		if lines[i].indent {
			lines[i].cells[0] = "  " + lines[i].cells[0]
		}
		lines[i].cells[0] = runewidth.Truncate(lines[i].cells[0], usageNameMax, "…")
		for at, cell := range lines[i].cells {
			widths[at] = max(widths[at], runewidth.StringWidth(cell))
		}
	}
	for i, line := range lines {
		var b strings.Builder
		for at, cell := range line.cells {
			blank := strings.Repeat(" ", widths[at]-runewidth.StringWidth(cell))
			switch {
			case at == 0 || at == len(widths)-1:
				cell += blank
			case colours && at == usageErrors && line.bad:
				cell = blank + stateColour("critical") + cell + "\x1b[0m"
			default:
				cell = blank + cell
			}
			b.WriteString(cell + "  ")
		}
		text := strings.TrimRight(b.String(), " ")
		if colours && (i == 0 || line.indent) && !line.bad {
			text = "\x1b[2m" + text + "\x1b[0m"
		}
		out.WriteString(text + "\n")
	}
	return out.Flush()
}

// count shows a number of events, or how many they are per second.
func count(n uint64, per float64) string {
	if per == 1 {
		return strconv.FormatUint(n, 10)
	}
	return perSecond(float64(n) / per)
}

// perSecond shows a rate by three digits or so.
func perSecond(rate float64) string {
	switch {
	case rate == 0:
		return "0"
	case rate < 10:
		return strconv.FormatFloat(rate, 'g', 2, 64)
	case rate < 10_000:
		return strconv.FormatFloat(rate, 'f', 0, 64)
	case rate < 1_000_000:
		return strconv.FormatFloat(rate/1000, 'f', 1, 64) + "k"
	}
	return strconv.FormatFloat(rate/1e6, 'f', 2, 64) + "M"
}

// shortTime shows seconds by three digits.
func shortTime(s float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"s", 1}, {"ms", 1e-3}, {"µs", 1e-6}} {
		if s >= unit.size {
			return strconv.FormatFloat(s/unit.size, 'f', decimals(s/unit.size), 64) + unit.name
		}
	}
	return strconv.FormatFloat(s*1e9, 'f', 0, 64) + "ns"
}

// decimals is how many a number needs to have three digits.
func decimals(v float64) int {
	switch {
	case v < 10:
		return 2
	case v < 100:
		return 1
	}
	return 0
}
