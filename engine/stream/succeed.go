package stream

import "tocsin/engine"

// Succeed has g, and its engine, go on where old, and the engine of that, stand:
// for a reload. State goes to the operator of the same path, in the group of the
// same key; start, which calls g.Start, is called before. What g does not have
// is dropped: Succeed returns how many pieces of state that are, each that of an
// operator in one group. What is new begins. Nobody can use old any more.
// Engine's goroutine only, between two events.
func (g *Graph) Succeed(old *Graph, start func()) (dropped int) {
	c := engine.Checkpoint{Whole: true}
	old.Save(&c)
	records := c.Records()
	old.stop()
	l := engine.NewLoading(records, g.engine.Identities())
	g.engine.Succeed(old.engine, l)
	start()
	g.Load(l)
	g.kept.known = false // a store has what old saved
	return l.Skipped()
}

// stop lets go of everything: timers, groups, and what identities keep.
func (g *Graph) stop() {
	for i, s := range g.top.states {
		if s != nil {
			s.drop(g.engine)
			g.top.states[i] = nil
		}
	}
	for _, d := range g.derivers {
		d.Drop()
	}
}
