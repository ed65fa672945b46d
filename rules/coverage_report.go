package rules

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Write writes the share of each file that was reached, the lines that were
// not, and what each operator passed. If listing is set, the files follow whole, each
// line behind a mark: "+" reached, "-" not, "~" in part.
func (c *Coverage) Write(w io.Writer, listing bool) error {
	out := bufio.NewWriter(w)
	files := c.Files()
	if len(files) == 0 {
		fmt.Fprintln(out, "coverage: the tests read no rules file")
	} else {
		c.writeShares(out, files)
	}
	c.writeMissed(out, files)
	c.writeOperators(out, files)
	if listing {
		for _, path := range files {
			c.writeListing(out, path)
		}
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// reach counts what was reached.
type reach struct{ lines, linesReached, operators, operatorsReached int }

func (c *Coverage) reach(path string) (r reach) {
	for _, l := range c.Lines(path) {
		r.lines++
		if l.Reached == l.Statements {
			r.linesReached++
		}
	}
	for _, op := range c.Operators(path) {
		r.operators++
		if op.Passed > 0 {
			r.operatorsReached++
		}
	}
	return r
}

func (c *Coverage) writeShares(w io.Writer, files []string) {
	width := len("all files")
	for _, path := range files {
		width = max(width, len(path))
	}
	fmt.Fprintf(w, "%-*s  %17s  %17s\n", width, "coverage", "lines", "operators")
	row := func(name string, r reach) {
		fmt.Fprintf(w, "%-*s  %17s  %17s\n", width, name, share(r.linesReached, r.lines), share(r.operatorsReached, r.operators))
	}
	var all reach
	for _, path := range files {
		r := c.reach(path)
		row(path, r)
		all.lines += r.lines
		all.linesReached += r.linesReached
		all.operators += r.operators
		all.operatorsReached += r.operatorsReached
	}
	if len(files) != 1 {
		row("all files", all)
	}
}

// share shows n of all, as a percentage too. It rounds down: 100 % is all.
func share(n, all int) string {
	if all == 0 {
		return "-"
	}
	return fmt.Sprintf("%d/%d %3d %%", n, all, n*100/all)
}

func (c *Coverage) writeMissed(w io.Writer, files []string) {
	title := "\nlines not reached:\n"
	for _, path := range files {
		lines := c.Lines(path)
		for i := 0; i < len(lines); i++ {
			first := lines[i]
			if first.Reached == first.Statements {
				continue
			}
			fmt.Fprintf(w, "%s  %s:%d", title, path, first.Line)
			title = ""
			if first.Reached > 0 {
				fmt.Fprint(w, " in part")
			} else {
				for i+1 < len(lines) && lines[i+1].Reached == 0 {
					i++
				}
				if last := lines[i].Line; last > first.Line {
					fmt.Fprintf(w, "-%d", last)
				}
			}
			fmt.Fprintln(w)
		}
	}
}

func (c *Coverage) writeOperators(w io.Writer, files []string) {
	var all []OperatorCoverage
	place, name, passed := 0, len("operator"), len("passed")
	for _, path := range files {
		for _, op := range c.Operators(path) {
			all = append(all, op)
			place = max(place, len(op.place()))
			name = max(name, len(op.Name))
			passed = max(passed, len(fmt.Sprint(op.Passed)))
		}
	}
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n  %-*s  %-*s  %*s\n", place, "", name, "operator", passed, "passed")
	for _, op := range all {
		mark := "+"
		if op.Passed == 0 {
			mark = "-"
		}
		fmt.Fprintf(w, "%s %-*s  %-*s  %*d\n", mark, place, op.place(), name, op.Name, passed, op.Passed)
	}
}

func (op OperatorCoverage) place() string { return fmt.Sprintf("%s:%d", op.File, op.Line) }

func (c *Coverage) writeListing(w io.Writer, path string) {
	marks := make(map[int]string)
	for _, l := range c.Lines(path) {
		switch l.Reached {
		case l.Statements:
			marks[l.Line] = "+"
		case 0:
			marks[l.Line] = "-"
		default:
			marks[l.Line] = "~"
		}
	}
	fmt.Fprintf(w, "\n%s\n", path)
	n := 0
	for line := range bytes.Lines(c.text(path)) {
		n++
		text := fmt.Sprintf("%1s %4d  %s", marks[n], n, bytes.TrimRight(line, "\r\n"))
		fmt.Fprintln(w, strings.TrimRight(text, " \t"))
	}
}

func (c *Coverage) text(path string) []byte {
	for _, f := range c.files {
		if f.path == path {
			return f.text
		}
	}
	return nil
}
