package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"

	"tocsin/engine"
)

// table writes events in aligned columns, for people.
type table struct {
	out     *bufio.Writer
	width   int
	colours bool
	now     time.Time

	rows   []tableRow // until the widths are set
	widths [tableColumns]int
	begun  bool
}

// The columns before the last one, which is as wide as it wants.
const (
	columnHost = iota
	columnService
	columnState
	columnMetric
	columnAge
	tableColumns
)

// tableMost is how wide those columns may get.
var tableMost = [tableColumns]int{columnHost: 30, columnService: 40, columnState: 10, columnMetric: 12, columnAge: 9}

type tableRow struct {
	cells [tableColumns]string
	rest  string
	state string
}

var tableHead = tableRow{cells: [tableColumns]string{"HOST", "SERVICE", "STATE", "METRIC", "AGE"}, rest: "DESCRIPTION"}

func newTable(out io.Writer, width int, colours bool, now time.Time) *table {
	return &table{out: bufio.NewWriter(out), width: max(width, 40), colours: colours, now: now}
}

func (t *table) add(e *engine.Event, p engine.Parts) {
	row := tableRow{state: e.State, rest: plain(restOf(e, p))}
	row.cells = [tableColumns]string{plain(p.Host), plain(p.Service), plain(e.State), metricText(e), t.age(e)}
	if t.begun {
		t.write(&row)
		return
	}
	t.rows = append(t.rows, row)
	if len(t.rows) == tableRows {
		t.begin()
	}
}

// restOf is what the last column has: the description, tags and attributes.
func restOf(e *engine.Event, p engine.Parts) string {
	var out []string
	if e.Description != "" {
		out = append(out, e.Description)
	}
	for _, tag := range p.Tags {
		out = append(out, "#"+tag)
	}
	for _, a := range p.Attrs {
		out = append(out, a.Key+"="+a.Value)
	}
	return strings.Join(out, " ")
}

func metricText(e *engine.Event) string {
	if e.Has&engine.HasMetric == 0 {
		return ""
	}
	return strconv.FormatFloat(e.Metric, 'g', 6, 64)
}

func (t *table) age(e *engine.Event) string {
	if e.Has&engine.HasTime == 0 {
		return ""
	}
	age := t.now.Sub(e.Time.Wall())
	switch {
	case age < 0:
		return "0s"
	case age < 10*time.Second:
		return fmt.Sprintf("%.1fs", age.Seconds())
	case age < time.Hour:
		return age.Truncate(time.Second).String()
	case age < 48*time.Hour:
		return strings.TrimSuffix(age.Truncate(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(age.Hours()/24))
}

// begin sets the widths by the rows so far, and writes them.
func (t *table) begin() {
	t.begun = true
	if len(t.rows) == 0 {
		return
	}
	for i := range t.widths {
		t.widths[i] = runewidth.StringWidth(tableHead.cells[i])
		for r := range t.rows {
			t.widths[i] = max(t.widths[i], runewidth.StringWidth(t.rows[r].cells[i]))
		}
		t.widths[i] = min(t.widths[i], tableMost[i])
	}
	t.writeHead()
	for i := range t.rows {
		t.write(&t.rows[i])
	}
	t.rows = nil
}

func (t *table) writeHead() {
	line := t.line(&tableHead, "")
	if t.colours {
		line = "\x1b[2m" + line + "\x1b[0m"
	}
	t.out.WriteString(line + "\n")
}

func (t *table) write(row *tableRow) {
	t.out.WriteString(t.line(row, stateColour(row.state)) + "\n")
}

// line returns a row, cut to the terminal's width; its state in a colour.
func (t *table) line(row *tableRow, colour string) string {
	var b strings.Builder
	used := 0
	for i, text := range row.cells {
		text = runewidth.Truncate(text, t.widths[i], "…")
		blank := strings.Repeat(" ", t.widths[i]-runewidth.StringWidth(text))
		switch {
		case i == columnMetric || i == columnAge: // numbers stand to the right
			text, blank = blank+text, ""
		case i == columnState && t.colours && colour != "":
			text = colour + text + "\x1b[0m"
		}
		b.WriteString(text + blank + "  ")
		used += t.widths[i] + 2
	}
	if left := t.width - used - 1; left > 8 {
		b.WriteString(runewidth.Truncate(row.rest, left, "…"))
	}
	return strings.TrimRight(b.String(), " ")
}

func (t *table) flush() error {
	if !t.begun {
		t.begin()
	}
	return t.out.Flush()
}

// stateColour is the terminal's code for a state.
func stateColour(state string) string {
	switch state {
	case "ok":
		return "\x1b[32m"
	case "warning":
		return "\x1b[33m"
	case "critical":
		return "\x1b[1;31m"
	case engine.Expired:
		return "\x1b[35m"
	}
	return ""
}

// plain keeps control characters, which could drive a terminal, out of what is
// shown of other people's text.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsGraphic(r) {
			return '�'
		}
		return r
	}, s)
}
