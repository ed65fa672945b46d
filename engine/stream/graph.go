package stream

import (
	"fmt"

	"tocsin/engine"
)

// Graph is all the streams of one configuration, on one engine.
type Graph struct {
	// Site is given to the operators that are made next.
	Site Site

	engine *engine.Engine
	root   *Scope
	top    *Group
	events *Stream
	paths  map[string]int // how many operators were to have a path
	extras []extra
	load   *loading // while Load runs
	kept   kept

	// keepers are the operators with state, in the order of their making.
	keepers []keeper

	operators []operator // in the order drawn, heads and timers included
	passages  []passage  // likewise
	derivers  []*engine.Deriver
}

// Site is where an operator stands in a rules file.
type Site struct {
	// Pos is "FILE:LINE".
	Pos string
	// Rule is the name of the rule it belongs to; "" outside rules.
	Rule string
}

// Scope is the part of a graph behind one by: its operators have their state
// in the same groups. The root scope is what stands outside of every by.
type Scope struct {
	by       *by // nil for the root
	parent   *Scope
	depth    int
	kept     []keeper // by slot
	starters []starter
}

// starter is an operator whose windows begin when its group is made.
type starter interface {
	start(g *Group)
}

// NewGraph makes a graph without streams.
func NewGraph(e *engine.Engine) *Graph {
	g := &Graph{engine: e, root: &Scope{}, paths: make(map[string]int)}
	g.top = &Group{scope: g.root}
	g.events = g.headAt("events")
	return g
}

// Engine returns the engine that the graph runs on.
func (g *Graph) Engine() *engine.Engine { return g.engine }

// Events returns the stream of all events, the root of the flow.
func (g *Graph) Events() *Stream { return g.events }

// Head makes a stream that gets only what is handed to its Handle, HandleList
// and Fail: for what events pass before they are indexed, and for tests.
func (g *Graph) Head() *Stream { return g.headAt("head") }

func (g *Graph) headAt(path string) *Stream {
	h := &head{}
	h.came = new(engine.Sampler)
	g.adopt(h, g.root, path)
	return &Stream{graph: g, scope: g.root, from: h, out: &h.out, path: h.path, came: h.came}
}

// Start connects the streams that branch from Events to the engine, and begins
// the windows that stand outside of by. It is called once, when all streams
// are made and before events flow.
func (g *Graph) Start() {
	if g.engine.Tracking() {
		g.kept.epoch = engine.FirstEpoch
	}
	g.top.made = g.engine.Now()
	g.top.makeStates(len(g.root.kept))
	for _, s := range g.root.starters {
		s.start(g.top)
	}
	for _, op := range g.events.out.next {
		s := &subscription{top: g.top}
		op.base().came = &s.came
		if w, ok := op.(*where); ok {
			s.op, s.out = w, &w.out
			g.engine.Subscribe(w.pred, s)
		} else {
			s.op, s.out = g.events.from, &Out{}
			s.out.add(op)
			g.engine.Subscribe(nil, s)
		}
	}
}

// operator is one node of the graph.
type operator interface {
	// event handles one event, list a list, both for the group in hand.
	event(g *Group, e *engine.Event)
	list(g *Group, events []engine.Event)
	base() *node
}

// node is what all operators have. Embedding it gives an operator that takes
// no lists.
type node struct {
	// What each event needs comes first, to share cache lines.
	out   Out
	graph *Graph
	slot  int // of the operator's state in its groups; set by keep
	scope *Scope

	site  Site
	name  string
	froms []operator // what feeds it
	catch *catch     // where its errors go; nil: to the engine
	path  string     // see adopt
	kept  int        // place in Graph.keepers, of one with state
	seen  engine.Seen

	account
}

func (n *node) base() *node { return n }

// list is what an operator does that takes events only.
func (n *node) list(g *Group, events []engine.Event) {
	n.fail(g, firstEvent(events), fmt.Errorf("%s takes events, but got a list: put flatten() or a fold before it", n.name))
}

// fail reports an error of the operator: it becomes an event.
func (n *node) fail(g *Group, e *engine.Event, err error) {
	n.errors++
	err = n.placed(err)
	if n.catch == nil || n.graph.engine.Failing() {
		n.graph.engine.Fail(e, err)
		return
	}
	n.catch.caught(g, e, err)
}

// placed gives err the operator's place, unless it has one.
func (n *node) placed(err error) error {
	if re, ok := err.(*engine.RuleError); ok {
		if re.Rule == "" {
			re.Rule = n.site.Rule
		}
		return re
	}
	if n.site.Pos != "" {
		err = fmt.Errorf("%s: %w", n.site.Pos, err)
	}
	return &engine.RuleError{Rule: n.site.Rule, Err: err}
}

func (n *node) now() engine.Time { return n.graph.engine.Now() }

// Out is what an operator passes events to, in the order drawn.
type Out struct {
	next   []operator
	passed uint64     // events and lists
	timed  []operator // takes the place of next in what is measured
}

func (o *Out) add(op operator) {
	o.next, o.timed = append(o.next, op), append(o.timed, &timed{op})
}

func (o *Out) event(g *Group, e *engine.Event) {
	o.passed++
	for _, op := range o.next {
		op.event(g, e)
	}
}

func (o *Out) list(g *Group, events []engine.Event) {
	o.passed++
	for _, op := range o.next {
		op.list(g, events)
	}
}

// Stream is a place in the flow. It is used while rules are loaded; events
// flow through the operators that it adds.
type Stream struct {
	graph *Graph
	scope *Scope
	from  operator
	out   *Out
	path  string
	came  *engine.Sampler // of a head
}

// add puts an operator behind the stream and returns the place behind it.
func (s *Stream) add(op operator, name string) *Stream {
	n := op.base()
	n.name = name
	s.graph.adopt(op, s.scope, s.path+"/"+labelOf(op, s.graph.Site.Rule))
	s.feed(op)
	if st, ok := op.(starter); ok {
		s.scope.starters = append(s.scope.starters, st)
	}
	return s.graph.behind(op, s.scope, &n.out)
}

// feed has an operator get what the stream passes.
func (s *Stream) feed(op operator) {
	n := op.base()
	n.froms, n.fed = append(n.froms, s.from), append(n.fed, s.out)
	s.out.add(op)
}

// keep gives an operator a slot for its state. It is called right after add.
func (g *Graph) keep(op keeper) {
	n := op.base()
	n.slot, n.kept = len(n.scope.kept), len(g.keepers)
	n.scope.kept, g.keepers = append(n.scope.kept, op), append(g.keepers, op)
}

// branch returns a further place behind an operator that has several outs.
func (s *Stream) branch(op operator, out *Out, name string) *Stream {
	further := s.graph.behind(op, s.scope, out)
	s.graph.nameLast(name)
	further.path += ":" + name
	return further
}

// From reports whether nothing reaches the stream but what was handed to head.
func (s *Stream) From(head *Stream) bool {
	return onlyFrom(s.from, head.from, make(map[operator]bool))
}

func onlyFrom(op, head operator, seen map[operator]bool) bool {
	if op == head || seen[op] {
		return true
	}
	seen[op] = true
	froms := op.base().froms
	for _, from := range froms {
		if !onlyFrom(from, head, seen) {
			return false
		}
	}
	return len(froms) > 0
}

// Handle passes an event to what stands behind a Head.
func (s *Stream) Handle(e *engine.Event) {
	if s.came.Due() {
		s.handleMeasured(e)
	} else {
		s.out.event(s.graph.top, e)
	}
}

// HandleList passes a list to what stands behind a Head.
func (s *Stream) HandleList(events []engine.Event) { s.out.list(s.graph.top, events) }

// Fail turns an error of a predicate before the stream into an event.
func (s *Stream) Fail(e *engine.Event, err error) { s.from.base().fail(s.graph.top, e, err) }

// head is where events enter.
type head struct{ node }

func (h *head) event(g *Group, e *engine.Event)      { h.out.event(g, e) }
func (h *head) list(g *Group, events []engine.Event) { h.out.list(g, events) }

// firstEvent returns the first event of a list that is not none, or nil.
func firstEvent(events []engine.Event) *engine.Event {
	for i := range events {
		if events[i].ID != nil {
			return &events[i]
		}
	}
	return nil
}

// Merge joins streams: what passes any of them passes the merged one, once for
// each. Streams behind different bys meet in the innermost group that they
// have in common. All must be of one graph; there must be at least one.
func Merge(streams ...*Stream) (*Stream, error) {
	if len(streams) == 0 {
		return nil, fmt.Errorf("merge needs at least one stream")
	}
	first := streams[0]
	scope := first.scope
	for _, s := range streams {
		if s.graph != first.graph {
			return nil, fmt.Errorf("merge cannot join streams of different configurations")
		}
		scope = common(scope, s.scope)
	}
	m := &merge{}
	m.name = "merge"
	first.graph.adopt(m, scope, first.path+"/merge")
	for _, s := range streams {
		s.feed(m)
	}
	return first.graph.behind(m, scope, &m.out), nil
}

// merge brings events from inner groups to the group that they share.
type merge struct{ node }

func (m *merge) event(g *Group, e *engine.Event)      { m.out.event(g.within(m.scope), e) }
func (m *merge) list(g *Group, events []engine.Event) { m.out.list(g.within(m.scope), events) }

// common returns the innermost scope that both are in.
func common(a, b *Scope) *Scope {
	for a != b {
		if a.depth >= b.depth {
			a = a.parent
		} else {
			b = b.parent
		}
	}
	return a
}
