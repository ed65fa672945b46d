package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tocsin/engine"
)

// listedDifferences is how many differences of one sink are listed for people.
const listedDifferences = 1000

// diffReport prints differences: as JSON lines at once, or for people in the
// end, sorted by sink, those that page first.
type diffReport struct {
	out    *bufio.Writer
	json   bool
	differ bool
	same   int
	sinks  map[string]*sinkReport
	line   []byte
}

// sinkReport is what differs at one sink.
type sinkReport struct {
	name   string
	page   bool
	counts map[string]int // by kind; "" is for those that are the same
	total  int            // of those that differ
	lines  []string
}

func newDiffReport(out *bufio.Writer, json bool) *diffReport {
	return &diffReport{out: out, json: json, sinks: make(map[string]*sinkReport)}
}

// add takes two acts that belong together, the same or not.
func (r *diffReport) add(d *difference) {
	kind := d.kind()
	if kind == "" {
		r.same++
	} else {
		r.differ = true
	}
	if r.json {
		if kind != "" {
			r.printJSON(kind, d)
		}
		return
	}
	sink := d.latest().sink
	s := r.sinks[sink.name]
	if s == nil {
		s = &sinkReport{name: sink.name, counts: make(map[string]int)}
		r.sinks[sink.name] = s
	}
	s.page = s.page || sink.page
	s.counts[kind]++
	if kind == "" {
		return
	}
	if s.total++; s.total <= listedDifferences {
		s.lines = append(s.lines, describeDifference(kind, d))
	}
}

// latest is the act of the second configuration, if it has one.
func (d *difference) latest() *act {
	if d.after != nil {
		return d.after
	}
	return d.before
}

func (r *diffReport) printJSON(kind string, d *difference) {
	a := d.latest()
	name, _ := json.Marshal(a.sink.name) // a string always can be
	line := append(append(append(r.line[:0], `{"difference":"`...), kind...), `","sink":`...)
	line = append(append(append(line, name...), `,"page":`...), strconv.FormatBool(a.sink.page)...)
	if d.before != nil {
		line = appendSeconds(line, `,"before":`, d.before.at.Seconds())
	}
	if d.after != nil {
		line = appendSeconds(line, `,"after":`, d.after.at.Seconds())
	}
	line = append(append(line, ','), a.message...)
	if kind == "changed" {
		line = append(append(append(line, `,"was":{`...), d.before.message...), '}')
	}
	r.line = append(line, "}\n"...)
	r.out.Write(r.line) // an error stays until Flush
}

func appendSeconds(dst []byte, key string, seconds float64) []byte {
	return strconv.AppendFloat(append(dst, key...), seconds, 'f', -1, 64)
}

// describeDifference is one line for people.
func describeDifference(kind string, d *difference) string {
	a := d.latest()
	what := kind
	if kind == "earlier" || kind == "later" {
		what += " by " + d.after.at.Sub(d.before.at).Abs().String()
	}
	return fmt.Sprintf("  %-16s %s  %s", what, a.at.Wall().Format("2006-01-02T15:04:05.000Z"), a.title())
}

// title tells for people what an act is about.
func (a *act) title() string {
	parts := strings.Split(a.key, "\x00")[1:]
	shown := parts[:0:0]
	for _, part := range parts {
		if part != "" {
			shown = append(shown, plain(part))
		}
	}
	if event, ok := bytes.CutPrefix(a.message, []byte(`"event":`)); ok {
		if e, _, err := engine.ParseJSON(event); err == nil && e.Description != "" {
			shown = append(shown, plain(e.Description))
		}
	} else {
		shown = append(shown, "and others, as a list")
	}
	return strings.Join(shown, "  ")
}

// differenceKinds is the order in which kinds are counted up.
var differenceKinds = [...]string{"new", "gone", "earlier", "later", "changed", ""}

// end prints for people.
func (r *diffReport) end() {
	if r.json {
		return
	}
	if !r.differ {
		fmt.Fprintf(r.out, "no difference: %s, the same\n", counted(r.same, "message"))
		return
	}
	sinks := make([]*sinkReport, 0, len(r.sinks))
	for _, s := range r.sinks {
		sinks = append(sinks, s)
	}
	slices.SortFunc(sinks, func(a, b *sinkReport) int {
		if a.page != b.page {
			return map[bool]int{true: -1, false: 1}[a.page]
		}
		return cmp.Compare(a.name, b.name)
	})
	for _, s := range sinks {
		s.print(r.out)
	}
}

func (s *sinkReport) print(out *bufio.Writer) {
	var counts []string
	for _, kind := range differenceKinds {
		if n := s.counts[kind]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, cmp.Or(kind, "the same")))
		}
	}
	title := plain(s.name)
	if s.page {
		title += " (notifies)"
	}
	fmt.Fprintf(out, "%s: %s\n", title, strings.Join(counts, ", "))
	for _, line := range s.lines {
		fmt.Fprintln(out, line)
	}
	if more := s.total - len(s.lines); more > 0 {
		fmt.Fprintf(out, "  and %d more; --json lists all\n", more)
	}
}
