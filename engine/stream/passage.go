package stream

// Passage is how much one operator has passed on.
type Passage struct {
	Site Site
	// Operator is the operator's name, such as "where".
	Operator string
	// Out names one of several streams that it passes to, such as "rest"; "" is
	// the first or only one.
	Out string
	// Passed is how many events and lists it has passed, a list being one.
	Passed uint64
}

// passage is one of the places that operators pass to.
type passage struct {
	op   operator
	out  *Out
	name string
}

// behind returns the place behind an operator, and notes it.
func (g *Graph) behind(op operator, scope *Scope, out *Out) *Stream {
	n := op.base()
	n.outs = append(n.outs, out)
	g.passages = append(g.passages, passage{op: op, out: out})
	return &Stream{graph: g, scope: scope, from: op, out: out, path: n.path}
}

// nameLast names the place that was made last.
func (g *Graph) nameLast(name string) { g.passages[len(g.passages)-1].name = name }

// Passages returns one Passage for each stream that was drawn, in the order
// drawn.
func (g *Graph) Passages() []Passage {
	list := make([]Passage, len(g.passages))
	for i, p := range g.passages {
		n := p.op.base()
		list[i] = Passage{Site: n.site, Operator: n.name, Out: p.name, Passed: p.out.passed}
	}
	return list
}
