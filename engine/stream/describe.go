package stream

import "tocsin/engine"

// Operator is what a graph tells of one operator, for drawings and warnings.
type Operator struct {
	// Name is the operator's name, such as "where"; "" for a head.
	Name string
	Site Site
	// Path tells it from all others, as Worker.Path does.
	Path string
	// Outs are the streams that it passes to; several for such as split.
	Outs []OperatorOut
	// Sinks are what it hands events to.
	Sinks []engine.Output
	// Literals are conditions that every event meets which it passes.
	Literals []engine.Literal
	// PassesFirst tells of a changed that it passes the first event, whatever
	// its key is.
	PassesFirst bool
}

// OperatorOut is one of the streams behind an operator.
type OperatorOut struct {
	// Name is that of one of several streams, such as "rest"; "" is the first or
	// only one.
	Name string
	// Next are the operators that it feeds, by their place in the list.
	Next []int
}

// Description is all the operators of a graph.
type Description struct {
	// Operators are in the order drawn, behind the heads; the first head is that
	// of Events.
	Operators []Operator

	places map[*Out]Place
}

// Place is a place in the flow: behind one of the outs of an operator.
type Place struct{ Operator, Out int }

// Describe tells what was drawn behind Events and behind other heads. It is
// called before Start.
func (g *Graph) Describe(heads ...*Stream) *Description {
	d := &Description{places: make(map[*Out]Place)}
	numbers := make(map[operator]int)
	number := func(op operator) int {
		if n, known := numbers[op]; known {
			return n
		}
		numbers[op] = len(d.Operators)
		d.Operators = append(d.Operators, described(op))
		return numbers[op]
	}
	all := []passage{{op: g.events.from, out: g.events.out}}
	for _, h := range heads {
		all = append(all, passage{op: h.from, out: h.out})
	}
	all = append(all, g.passages...)
	for _, p := range all {
		number(p.op)
	}
	for _, p := range all {
		if _, known := d.places[p.out]; known {
			continue
		}
		op := &d.Operators[numbers[p.op]]
		d.places[p.out] = Place{numbers[p.op], len(op.Outs)}
		out := OperatorOut{Name: p.name}
		for _, next := range p.out.next {
			out.Next = append(out.Next, numbers[next])
		}
		op.Outs = append(op.Outs, out)
	}
	return d
}

// Place returns where a stream stands.
func (d *Description) Place(s *Stream) Place { return d.places[s.out] }

func described(op operator) Operator {
	n := op.base()
	o := Operator{Name: n.name, Site: n.site, Path: n.path}
	switch op := op.(type) {
	case *to:
		o.Sinks = op.sinks
	case *where:
		if l, ok := op.pred.(engine.Literals); ok {
			o.Literals = l.Literals()
		}
	case *changed:
		o.PassesFirst = op.init == (engine.Value{}) && !op.pairs
	}
	return o
}
