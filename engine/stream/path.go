package stream

import "strconv"

// adopt gives an operator its place. Its path is what its state is known by in
// a record: the ways that lead to it, and its number among those that would
// have the same.
func (g *Graph) adopt(op operator, scope *Scope, path string) {
	n := op.base()
	n.number = len(g.operators)
	g.operators = append(g.operators, op)
	n.graph, n.scope, n.site, n.slot = g, scope, g.Site, -1
	n.path = g.unique(path)
}

func (g *Graph) unique(path string) string {
	before := g.paths[path]
	g.paths[path]++
	if before > 0 {
		return g.unique(path + "#" + strconv.Itoa(before))
	}
	return path
}

// labelled is an operator whose arguments decide what it is: with others, it
// is another one.
type labelled interface{ label() string }

// labelOf returns what tells an operator from others in the same place.
func labelOf(op operator, rule string) string {
	label := op.base().name
	if l, ok := op.(labelled); ok {
		label += "(" + l.label() + ")"
	}
	if rule != "" {
		label += "@" + rule
	}
	return label
}
