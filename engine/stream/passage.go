package stream

import "tocsin/engine"

// Passage is how much one operator has passed on.
type Passage struct {
	Site Site
	// Operator is the operator's name, such as "where".
	Operator string
	// Out names one of several streams that it passes to, such as "rest"; "" is
	// the first or only one.
	Out string
	// Passed is how many events and lists it has passed, a list being one.
	Passed int
}

// passage is one of the places that operators pass to.
type passage struct {
	op     operator
	out    *Out
	name   string
	counts *passCounter // nil unless counted
}

// behind returns the place behind an operator, and notes it.
func (g *Graph) behind(op operator, scope *Scope, out *Out) *Stream {
	g.passages = append(g.passages, passage{op: op, out: out})
	return &Stream{graph: g, scope: scope, from: op, out: out, path: op.base().path}
}

// nameLast names the place that was made last.
func (g *Graph) nameLast(name string) { g.passages[len(g.passages)-1].name = name }

// CountPassages has every operator count from now on. It is called once, when
// all streams are drawn and before events flow. A graph that does not count
// pays nothing for it.
func (g *Graph) CountPassages() {
	for i := range g.passages {
		p := &g.passages[i]
		p.counts = &passCounter{op: p.op, out: Out{next: p.out.next}}
		p.out.next = []operator{p.counts}
	}
}

// Passages returns one Passage for each stream that was drawn, in the order
// drawn. In a graph that does not count they are all 0.
func (g *Graph) Passages() []Passage {
	list := make([]Passage, len(g.passages))
	for i, p := range g.passages {
		n := p.op.base()
		list[i] = Passage{Site: n.site, Operator: n.name, Out: p.name}
		if p.counts != nil {
			list[i].Passed = p.counts.passed
		}
	}
	return list
}

// passCounter stands between an operator and what it passes to.
type passCounter struct {
	op     operator
	out    Out
	passed int
}

func (c *passCounter) event(g *Group, e *engine.Event) {
	c.passed++
	c.out.event(g, e)
}

func (c *passCounter) list(g *Group, events []engine.Event) {
	c.passed++
	c.out.list(g, events)
}

func (c *passCounter) base() *node { return c.op.base() }
