package stream

// OnStart has f called by Start, in its place among the operators whose
// windows begin then: so that timers due at one instant fire in the order of
// their making, whoever made them.
func (g *Graph) OnStart(f func()) { g.root.starters = append(g.root.starters, startFunc(f)) }

// startFunc is a function as a starter.
type startFunc func()

func (f startFunc) start(*Group) { f() }
