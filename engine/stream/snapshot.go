package stream

import (
	"errors"
	"fmt"

	"tocsin/engine"
)

// keeper is an operator that remembers something in its groups.
type keeper interface {
	operator
	// load reads what the state's save wrote into the state in g, which a
	// starter has begun and others make. What cannot be it refuses by r.Fail;
	// then the state is dropped, and the operator begins anew.
	load(g *Group, r *engine.SnapshotReader)
}

// Extra is state of a configuration that is not an operator's, such as what a
// rule said last.
type Extra interface {
	// Save writes it.
	Save(w *engine.SnapshotWriter)
	// Load reads what Save wrote. It changes nothing when r.End gives an error.
	Load(r *engine.SnapshotReader)
}

type extra struct {
	name  string
	state Extra
}

// Keep makes s a part of the graph's snapshots, under a name that nothing else
// has. It is called before Start.
func (g *Graph) Keep(name string, s Extra) { g.extras = append(g.extras, extra{name, s}) }

// Save writes the state of all operators in all groups, which entries of the
// index are in which group, and the extras. It is called between two events,
// on the engine's goroutine.
func (g *Graph) Save(w *engine.SnapshotWriter) {
	w.Section("operators", func() {
		w.Int(len(g.kept))
		for _, op := range g.kept {
			w.Text(op.base().path)
		}
		g.top.save(w)
	})
	w.Section("holds", func() { g.saveHolds(w) })
	w.Section("extras", func() {
		w.Int(len(g.extras))
		for _, x := range g.extras {
			w.Text(x.name)
			w.Piece(func() { x.state.Save(w) })
		}
	})
}

// save writes the state of each operator that has one in the group.
func (g *Group) save(w *engine.SnapshotWriter) {
	n := 0
	for _, s := range g.states {
		if s != nil {
			n++
		}
	}
	w.Int(n)
	for slot, s := range g.states {
		if s != nil {
			w.Int(g.scope.kept[slot].base().kept)
			w.Piece(func() { s.save(w) })
		}
	}
}

// saveHolds writes which entries are in which groups.
func (g *Graph) saveHolds(w *engine.SnapshotWriter) {
	var held []*engine.Entry
	g.engine.Index().EachEntry(func(e *engine.Entry) {
		any := false
		e.EachHold(func(*engine.Hold) { any = true })
		if any {
			held = append(held, e)
		}
	})
	w.Int(len(held))
	for _, e := range held {
		w.Identity(e.ID)
		n := 0
		e.EachHold(func(*engine.Hold) { n++ })
		w.Int(n)
		e.EachHold(func(h *engine.Hold) {
			w.Uvarint(h.Scope)
			w.Identity(h.ID)
			w.Text(h.Holder.(*Group).key)
		})
	}
}

// loading is what is known while a snapshot is read.
type loading struct {
	graph  *Graph
	ops    []keeper // by their number in the snapshot; nil: there is none any more
	scopes map[uint64]*byState
	groups []*Group // what is inside comes after what is around it
}

// Load brings the operators to where a snapshot was taken. The engine has been
// loaded from it and the graph started before, and no event has flowed since.
// State of operators that are not there any more is skipped, as is what cannot
// be read; r.Skipped tells how much. Operators that the snapshot does not have
// begin anew. After an error the graph is of no use.
func (g *Graph) Load(r *engine.SnapshotReader) error {
	operators, ok := r.Section("operators")
	if !ok {
		return errors.New("cannot load a snapshot: it has no operators")
	}
	l := &loading{graph: g, scopes: make(map[uint64]*byState)}
	g.load = l
	defer func() { g.load = nil }()
	byPath := make(map[string]keeper, len(g.kept))
	for _, op := range g.kept {
		byPath[op.base().path] = op
	}
	for range operators.Len() {
		l.ops = append(l.ops, byPath[operators.Text()])
	}
	l.group(g.top, operators)
	if err := operators.End(); err != nil {
		return fmt.Errorf("cannot load a snapshot's operators: %w", err)
	}
	if err := l.holds(r); err != nil {
		return fmt.Errorf("cannot load which groups a snapshot's entries are in: %w", err)
	}
	if err := g.loadExtras(r); err != nil {
		return fmt.Errorf("cannot load what a snapshot has of rules: %w", err)
	}
	// What kept a group alive may be gone with its operator.
	for i := len(l.groups) - 1; i >= 0; i-- {
		l.groups[i].check()
	}
	return nil
}

// group reads the states of one group.
func (l *loading) group(g *Group, r *engine.SnapshotReader) {
	if g.owner != nil {
		l.groups = append(l.groups, g)
	}
	seen := make([]bool, len(g.states))
	for range r.Len() {
		number, piece := r.Int(max(len(l.ops)-1, 0)), r.Piece()
		if r.Err() != nil || len(l.ops) == 0 {
			return
		}
		op := l.ops[number]
		if op == nil || op.base().scope != g.scope || seen[op.base().slot] {
			r.Skip()
			continue
		}
		seen[op.base().slot] = true
		l.state(g, op, piece)
	}
}

// state reads the state of one operator in one group. What cannot be read
// leaves no trace.
func (l *loading) state(g *Group, op keeper, r *engine.SnapshotReader) {
	busy, slot := g.busy, op.base().slot
	op.load(g, r)
	if r.End() == nil {
		return
	}
	r.Skip()
	if s := g.states[slot]; s != nil {
		s.drop(l.graph.engine)
		g.states[slot] = nil
	}
	g.busy = busy
	if op, ok := op.(starter); ok {
		op.start(g)
	}
}

// holds puts the entries into their groups.
func (l *loading) holds(r *engine.SnapshotReader) error {
	section, ok := r.Section("holds")
	if !ok {
		return errors.New("there is nothing of them")
	}
	for range section.Len() {
		id := section.SomeIdentity()
		if section.Err() != nil {
			break
		}
		entry := l.graph.engine.Index().EntryOf(id)
		for range section.Len() {
			hold := &engine.Hold{Scope: section.Uvarint(), ID: section.SomeIdentity()}
			l.hold(entry, hold, section.Text(), section)
		}
	}
	return section.End()
}

// hold puts an entry into the group of that key, if both are there.
func (l *loading) hold(entry *engine.Entry, hold *engine.Hold, key string, r *engine.SnapshotReader) {
	s := l.scopes[hold.Scope]
	if r.Err() != nil || entry == nil || s == nil || s.groups[key] == nil || s.groups[key].closed || entry.Hold(hold.Scope) != nil {
		r.Skip()
		return
	}
	s.groups[key].entries++
	hold.Holder = s.groups[key]
	entry.AddHold(hold)
}

func (g *Graph) loadExtras(r *engine.SnapshotReader) error {
	section, ok := r.Section("extras")
	if !ok {
		return nil
	}
	byName := make(map[string]Extra, len(g.extras))
	for _, x := range g.extras {
		byName[x.name] = x.state
	}
	for range section.Len() {
		name, piece := section.Text(), section.Piece()
		if x := byName[name]; x != nil && piece.Err() == nil {
			x.Load(piece)
			if piece.Err() == nil {
				continue
			}
		}
		r.Skip()
	}
	return section.End()
}

// checkPeriod refuses a periodic timer that stands in the past, from where it
// would fire over and over.
func checkPeriod(r *engine.SnapshotReader, t *engine.Timer, now engine.Time) {
	if t.IsSet() && t.Due() < now {
		r.Fail("a periodic timer stands in the past")
	}
}
