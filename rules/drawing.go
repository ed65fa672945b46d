package rules

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// Drawing is a configuration as boxes and arrows.
type Drawing struct {
	Boxes  []Box
	Arrows []Arrow
}

// BoxKind says what a box stands for.
type BoxKind string

// The kinds of boxes.
const (
	SourceBox BoxKind = "source"
	EventsBox BoxKind = "events"
	StreamBox BoxKind = "stream" // operators, one behind the other
	RuleBox   BoxKind = "rule"
	SinkBox   BoxKind = "sink"
)

// Box is a part of a configuration.
type Box struct {
	Kind BoxKind
	// Title names it; "" for a stream.
	Title string
	// Lines are the operators of a stream, or what a rule reads.
	Lines []string
	// Paths are those of the operators in Lines; see OperatorUsage.
	Paths []string
	// Pos is where it is declared, as "FILE:LINE"; "" for events.
	Pos string
}

// Arrow leads from one box to another, both by their place in Boxes.
type Arrow struct {
	From, To int
	// Name is that of one of several streams behind an operator, or several such
	// with commas.
	Name string
	// Index tells that a rule asks the index for what came.
	Index bool
	// Flows are where to read how much goes along the arrow.
	Flows []Flow
}

// Flow is something that a running configuration counts. One of Source, Rule and
// Path is set.
type Flow struct {
	// Source is the name of a source, Rule that of a rule: what comes.
	Source, Rule string
	// Path is that of an operator: what it gets or, with Passes, what it passes to
	// its stream of the name Out.
	Path   string
	Passes bool
	Out    string
}

// Drawing returns the drawing of a configuration that was loaded without
// Options.Output and has not been started.
func (c *Config) Drawing() (*Drawing, error) {
	calls, err := c.sourceCalls()
	if err != nil {
		return nil, err
	}
	d := &drawer{config: c, texts: make(map[int]string), boxes: make(map[int]int), rules: make(map[string]int), sinks: make(map[string]int)}
	d.graph, d.heads = c.describeGraph()
	for _, w := range c.written {
		d.texts[d.graph.Place(w.behind).Operator] = w.text
	}
	d.sources()
	for _, r := range c.rulesByPlace() {
		d.rules[r.name] = d.box(Box{Kind: RuleBox, Title: r.name, Lines: r.reads(calls), Pos: r.pos})
	}
	for _, s := range c.Sinks {
		d.sinks[s.Name] = d.box(Box{Kind: SinkBox, Title: s.Name, Lines: kindLine("sink", s.Kind, s.Name), Pos: s.Pos})
	}
	d.follow(0, d.events)
	for _, r := range c.rulesByPlace() {
		if r.every > 0 {
			d.Arrows = append(d.Arrows, Arrow{From: d.events, To: d.rules[r.name], Name: "index", Index: true, Flows: []Flow{{Rule: r.name}}})
		}
		d.tree(r)
	}
	return &d.Drawing, nil
}

// drawer makes a Drawing.
type drawer struct {
	Drawing
	config *Config
	graph  *stream.Description
	heads  int
	events int
	texts  map[int]string // of operators
	boxes  map[int]int    // of operators that begin a box
	rules  map[string]int // by name
	sinks  map[string]int // by name
}

func (d *drawer) box(b Box) int {
	d.Boxes = append(d.Boxes, b)
	return len(d.Boxes) - 1
}

// arrow draws an arrow, once: one for all streams between two boxes.
func (d *drawer) arrow(from, to int, name string, flows ...Flow) {
	for i := range d.Arrows {
		a := &d.Arrows[i]
		if a.From != from || a.To != to || a.Index {
			continue
		}
		a.Flows = append(a.Flows, flows...)
		if !slices.Contains(strings.Split(a.Name, ", "), name) {
			a.Name = strings.Trim(a.Name+", "+name, ", ")
		}
		return
	}
	d.Arrows = append(d.Arrows, Arrow{From: from, To: to, Name: name, Flows: flows})
}

// flow is what one operator gets from another.
func (d *drawer) flow(from, to int, out string) Flow {
	if op := &d.graph.Operators[to]; op.Name != "merge" {
		return Flow{Path: op.Path}
	}
	return Flow{Path: d.graph.Operators[from].Path, Passes: true, Out: out}
}

// kindLine tells the kind of a source or sink that has a name of its own.
func kindLine(what, kind, name string) []string {
	if kind == name {
		return nil
	}
	return []string{what + "." + kind}
}

// sources draws the sources, what their events pass, and events.
func (d *drawer) sources() {
	d.events = d.box(Box{Kind: EventsBox, Title: "events"})
	head := 1
	for _, s := range d.config.Sources {
		from := d.box(Box{Kind: SourceBox, Title: s.Name, Lines: kindLine("source", s.Kind, s.Name), Pos: s.Pos})
		if s.Through == nil {
			d.arrow(from, d.events, "", Flow{Source: s.Name})
			continue
		}
		d.follow(head, from)
		head++
	}
}

// follow draws what stands behind an operator whose box is from.
func (d *drawer) follow(op, from int) {
	for _, out := range d.graph.Operators[op].Outs {
		for _, next := range out.Next {
			d.operator(next, from, out.Name, d.flow(op, next, out.Name))
		}
	}
}

// operator draws an operator that from feeds, and what stands behind it.
func (d *drawer) operator(n, from int, name string, flow Flow) {
	op := &d.graph.Operators[n]
	if box, drawn := d.boxes[n]; drawn {
		d.arrow(from, box, name, flow)
		return
	}
	switch {
	case op.Name == "to":
		for _, output := range op.Sinks {
			d.arrow(from, d.sinks[output.(discard).sink.Name], name, flow)
		}
		d.follow(n, from)
		return
	case op.Name == "each" && op.Site.Rule != "":
		d.arrow(from, d.rules[op.Site.Rule], name, flow)
		d.follow(n, from)
		return
	case op.Name == "each" && d.texts[n] == "": // the end of a source's through
		d.arrow(from, d.events, name, flow)
		return
	}
	box := d.box(Box{Kind: StreamBox, Pos: op.Site.Pos})
	d.boxes[n] = box
	if maker, ok := d.reads(n); ok && from == d.events {
		from = maker
	}
	d.arrow(from, box, name, flow)
	d.fill(box, n)
}

// reads returns the rule whose events are all that an operator passes, unless
// they lead to that rule again.
func (d *drawer) reads(n int) (box int, ok bool) {
	for _, l := range d.graph.Operators[n].Literals {
		if l.Tag || l.Field != engine.FieldNamed("service") || d.leadsTo(n, l.Text, make(map[int]bool)) {
			continue
		}
		box, ok = d.rules[l.Text]
	}
	return box, ok
}

// leadsTo reports whether a rule is evaluated on what an operator passes.
func (d *drawer) leadsTo(n int, rule string, seen map[int]bool) bool {
	seen[n] = true
	if op := &d.graph.Operators[n]; op.Name == "each" && op.Site.Rule == rule {
		return true
	}
	for _, out := range d.graph.Operators[n].Outs {
		for _, next := range out.Next {
			if !seen[next] && d.leadsTo(next, rule, seen) {
				return true
			}
		}
	}
	return false
}

// fill writes operators into a box, one behind the other, up to where the
// stream branches, is joined, or leaves.
func (d *drawer) fill(box, n int) {
	for {
		op := &d.graph.Operators[n]
		text := d.texts[n]
		if text == "" {
			text = op.Name
		}
		d.Boxes[box].Lines = append(d.Boxes[box].Lines, text)
		d.Boxes[box].Paths = append(d.Boxes[box].Paths, op.Path)
		if len(op.Outs) != 1 || len(op.Outs[0].Next) != 1 {
			break
		}
		next := op.Outs[0].Next[0]
		if name := d.graph.Operators[next].Name; name == "to" || name == "merge" || name == "each" {
			break
		}
		n = next
		d.boxes[n] = box
	}
	d.follow(n, box)
}

// tree draws what a service tree reads of other rules.
func (d *drawer) tree(r *rule) {
	if t := r.config.trees[r.eval]; t != nil {
		t.each(func(m treeMember) {
			if from, ok := d.rules[m.rule]; ok && m.rule != "" {
				d.arrow(from, d.rules[r.name], "")
			}
		})
	}
}

// each calls f with the members of a tree and of the trees in it.
func (t *tree) each(f func(treeMember)) {
	for _, m := range t.members {
		f(m)
		if m.tree != nil {
			m.tree.each(f)
		}
	}
}

// rulesByPlace returns the rules in the order of the files.
func (c *Config) rulesByPlace() []*rule {
	var out []*rule
	for _, r := range c.rules {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *rule) int { return c.comparePlaces(a.pos, b.pos) })
	return out
}

// reads says when a rule is evaluated, and what it asks the index for.
func (r *rule) reads(calls []sourceCall) (lines []string) {
	if r.every > 0 {
		lines = append(lines, fmt.Sprintf("every %v s", r.every.Seconds()))
	}
	for _, text := range r.asks(calls) {
		line := "index(…)"
		if text != "" {
			line = "index " + writtenText(text)
		}
		lines = append(lines, line)
	}
	return lines
}

// asks returns the queries by which a rule asks the index; "" is one that is not
// written out.
func (r *rule) asks(calls []sourceCall) (queries []string) {
	if t := r.config.trees[r.eval]; t != nil {
		t.each(func(m treeMember) {
			if m.set == nil {
				return
			}
			if text, ok := m.set.by.(string); ok {
				queries = append(queries, text)
			}
		})
		return queries
	}
	p := r.eval.Proto
	if p == nil {
		return nil
	}
	for _, call := range calls {
		if call.method || call.name != "index" || call.file != p.SourceName || call.line < p.LineDefined || call.line > p.LastLineDefined {
			continue
		}
		text := ""
		if texts := call.queries(); len(texts) > 0 {
			text = strings.TrimSpace(texts[0])
		}
		queries = append(queries, text)
	}
	return queries
}
