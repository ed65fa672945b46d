package stream

import (
	"time"

	"tocsin/engine"
)

// account is what an operator has done, as far as it is not told by the Outs
// before and behind it.
type account struct {
	number int             // place in Graph.operators
	fed    []*Out          // what feeds it
	outs   []*Out          // what it feeds
	came   *engine.Sampler // of a head, or of what stands behind Events
	fires  engine.Sampler
	errors uint64
	took   time.Duration // without what stands behind it
}

// timed stands before an operator while an event is measured.
type timed struct{ op operator }

func (t *timed) base() *node { return t.op.base() }

func (t *timed) event(g *Group, e *engine.Event) {
	n := t.op.base()
	defer n.leave(n.enter(n.graph.engine.Meter().Weight(), n.outs...))
	t.op.event(g, e)
}

func (t *timed) list(g *Group, events []engine.Event) {
	n := t.op.base()
	defer n.leave(n.enter(n.graph.engine.Meter().Weight(), n.outs...))
	t.op.list(g, events)
}

// measuring is a span of an operator's time, and what it passes to meanwhile.
type measuring struct {
	span engine.Span
	outs []*Out
}

// enter begins to measure an operator, and has what it passes to outs measured,
// too.
func (n *node) enter(weight uint64, outs ...*Out) measuring {
	for _, out := range outs {
		out.swap()
	}
	return measuring{n.graph.engine.Meter().Enter(&n.took, weight), outs}
}

// leave ends what enter began.
func (n *node) leave(m measuring) {
	n.graph.engine.Meter().Leave(m.span)
	for _, out := range m.outs {
		out.swap()
	}
}

func (o *Out) swap() { o.next, o.timed = o.timed, o.next }
