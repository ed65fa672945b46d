package stream

import "tocsin/engine"

// Catch returns what passes, and the error events of the operators before it,
// back to the last catch. The stream of errors stands outside of every by.
func (s *Stream) Catch() (passed, errors *Stream) {
	op := &catch{}
	passed = s.add(op, "catch")
	op.claim(s.from, make(map[operator]bool))
	errors = s.graph.behind(op, s.graph.root, &op.errors)
	s.graph.nameLast("errors")
	errors.path += ":errors"
	return passed, errors
}

type catch struct {
	node
	errors Out
}

// claim makes the catch the one for an operator and for those before it that
// have none yet.
func (c *catch) claim(op operator, seen map[operator]bool) {
	n := op.base()
	if _, ok := op.(*catch); ok || seen[op] {
		return
	}
	seen[op] = true
	if n.catch == nil {
		n.catch = c
	}
	for _, from := range n.froms {
		c.claim(from, seen)
	}
}

func (c *catch) event(g *Group, e *engine.Event)      { c.out.event(g, e) }
func (c *catch) list(g *Group, events []engine.Event) { c.out.list(g, events) }

// caught passes an error event to the stream of errors.
func (c *catch) caught(_ *Group, e *engine.Event, err error) {
	if meter := c.graph.engine.Meter(); meter.Active() {
		c.errors.swap()
		defer c.errors.swap()
	}
	c.graph.engine.Caught(e, err, func(failure *engine.Event) { c.errors.event(c.graph.top, failure) })
}
