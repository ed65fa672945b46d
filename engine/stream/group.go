package stream

import "tocsin/engine"

// Group holds the state of one scope's operators for one combination of the
// keys of by.
type Group struct {
	// What each event needs comes first, to share a cache line.
	states []state
	few    [2]state // what states are part of, if they are few
	// entries counts the holds of index entries, busy the reasons for which
	// operators will pass something on later.
	entries int32
	busy    int32

	scope  *Scope
	parent *Group
	owner  *byState // nil for the top group
	key    string
	// made is when the group's windows began.
	made    engine.Time
	closed  bool
	changed engine.Epoch
}

// state is what one operator remembers for one group.
type state interface {
	// drop lets go of everything, timers first, as the group has gone.
	drop(e *engine.Engine)
	// save writes what the operator's load reads.
	save(w *engine.RecordWriter)
}

// untimed is part of states that set no timers.
type untimed struct{}

func (untimed) drop(*engine.Engine) {}

// stateOf returns an operator's state in g, or nil when there is none yet.
func stateOf[S any](g *Group, n *node) *S {
	s, _ := any(g.states[n.slot]).(*S)
	return s
}

// makeStates gives the group n empty slots.
func (g *Group) makeStates(n int) {
	if n <= len(g.few) {
		g.states = g.few[:n]
	} else {
		g.states = make([]state, n)
	}
}

// within returns the group around g that belongs to scope.
func (g *Group) within(scope *Scope) *Group {
	for g.scope != scope {
		g = g.parent
	}
	return g
}

// hold notes that an operator holds something that will come out later; the
// group lives at least until release.
func (g *Group) hold() { g.busy++ }

// release takes back one hold. The group may be gone when it returns.
func (g *Group) release() {
	g.busy--
	g.check()
}

// Release implements engine.Holder: an entry has left or expired.
func (g *Group) Release() {
	g.entries--
	g.check()
}

// Key implements engine.Holder.
func (g *Group) Key() string { return g.key }

// Touch implements engine.Holder.
func (g *Group) Touch() int { return int(g.busy) }

// check closes a group that nothing needs any more.
func (g *Group) check() {
	if g.entries > 0 || g.busy > 0 || g.owner == nil || g.closed {
		return
	}
	g.close()
	delete(g.owner.groups, g.key)
	g.parent.release()
}

// close drops the state of all operators.
func (g *Group) close() {
	graph := g.scope.by.graph
	g.note(graph)
	g.closed = true
	if graph.engine.Noting() {
		graph.kept.closed = append(graph.kept.closed, g.recordKey())
	}
	g.scope.by.live--
	for i, s := range g.states {
		if s != nil {
			s.drop(graph.engine)
			g.states[i] = nil
		}
	}
}

// hostService is what tells entries of the index apart.
type hostService struct {
	host, service string
	has           engine.Fields
}

func hostServiceOf(id *engine.Identity) hostService {
	return hostService{id.Host, id.Service, id.Has & (engine.HasHost | engine.HasService)}
}
