package stream

import (
	"encoding/binary"
	"maps"
	"slices"

	"tocsin/engine"
)

// keeper is an operator that remembers something in its groups.
type keeper interface {
	operator
	// load reads what the state's save wrote into the state in g, which a
	// starter has begun and others make. What cannot be it refuses by r.Fail;
	// then the state is dropped, and the operator begins anew.
	load(g *Group, r *engine.RecordReader)
}

// Extra is state of a configuration that is not an operator's, such as what a
// rule said last.
type Extra interface {
	// Save writes it.
	Save(w *engine.RecordWriter)
	// Load reads what Save wrote. It changes nothing when r.End gives an error.
	Load(r *engine.RecordReader)
}

type extra struct {
	name  string
	state Extra
	seen  engine.Seen
}

// Keep makes s a part of the graph's records, under a name that nothing else
// has. It is called before Start.
func (g *Graph) Keep(name string, s Extra) { g.extras = append(g.extras, extra{name: name, state: s}) }

// The keys of a graph's records. Behind groupPrefix stand the scope of the
// group's holds, in 8 bytes, and the group's key, behind topPrefix an operator's
// path, behind extraPrefix a name.
const (
	operatorsKey = "operators"
	groupPrefix  = "group\x00"
	topPrefix    = "top\x00"
	extraPrefix  = "extra\x00"
)

// Save puts the state of the operators outside of by, and the extras. The groups
// that have changed since the last checkpoint follow by c.More: all of them when
// nobody tracks, when the checkpoint is Whole, and at the first time, unless the
// graph has loaded just that. It is called between two events, on the engine's
// goroutine, after Engine.Save, which writes which entries are in which groups.
func (g *Graph) Save(c *engine.Checkpoint) {
	whole := c.Whole || !g.kept.known
	if whole {
		g.dropRecords(c)
		c.Put(operatorsKey, func(w *engine.RecordWriter) {
			w.Int(len(g.keepers))
			for _, op := range g.keepers {
				w.Text(op.base().path)
			}
		})
	}
	for slot, s := range g.top.states {
		if s != nil {
			op := g.root.kept[slot].base()
			c.PutChanged(topPrefix+op.path, &op.seen, s.save)
		}
	}
	for i := range g.extras {
		x := &g.extras[i]
		c.PutChanged(extraPrefix+x.name, &x.seen, x.state.Save)
	}
	if g.kept.epoch == 0 {
		g.top.putInner(c)
		return
	}
	g.kept.save(c)
	if whole {
		g.top.dueInner(&g.kept)
	}
}

// dropRecords drops all that was kept of a graph before. What was seen then
// says nothing about what is kept.
func (g *Graph) dropRecords(c *engine.Checkpoint) {
	for _, prefix := range []string{operatorsKey, groupPrefix, topPrefix, extraPrefix} {
		c.Drop(prefix)
	}
	for _, op := range g.keepers {
		op.base().seen = engine.Seen{}
	}
	for i := range g.extras {
		g.extras[i].seen = engine.Seen{}
	}
}

// kept is what a graph knows of its records.
type kept struct {
	known    bool               // what is kept is what was last saved, but for what follows
	epoch    engine.Epoch       // 0: nobody tracks
	changed  []*Group           // in this epoch
	closed   []string           // keys of groups, in this epoch
	saving   *engine.Checkpoint // that is being collected
	due      []*Group           // for it
	removing []string           // from it
}

// save begins to save the groups that have changed.
func (k *kept) save(c *engine.Checkpoint) {
	k.known, k.epoch = true, k.epoch.Other()
	k.due, k.changed = k.changed, k.due
	k.removing, k.closed = k.closed, k.removing
	k.saving = c
	c.Later(k.saveSome)
}

// saveSome saves some of the groups that are due.
func (k *kept) saveSome(n int) (used int) {
	for ; len(k.removing) > 0 && used < n; used++ {
		last := len(k.removing) - 1
		k.saving.Remove(k.removing[last])
		k.removing[last] = ""
		k.removing = k.removing[:last]
	}
	for ; len(k.due) > 0 && used < n; used++ {
		last := len(k.due) - 1
		if g := k.due[last]; g.changed == k.epoch.Other() {
			g.put(k.saving)
			g.changed = 0
		}
		k.due[last] = nil
		k.due = k.due[:last]
	}
	return used
}

// change notes that the group, and what is around it, will not be any more what
// was last saved. Operators call it when a timer of theirs fires, before
// anything else; by does it for events.
func (g *Group) change() {
	for ; g.owner != nil; g = g.parent {
		g.note(g.scope.by.graph)
	}
}

// note is change of one group.
func (g *Group) note(graph *Graph) {
	if graph.kept.epoch != 0 {
		graph.kept.note(g, graph.engine.Tracking())
	}
}

// note is not part of Group.note, so that that can be inlined, and that without
// tracking g.changed is left alone, which is in another cache line.
//
//go:noinline
func (k *kept) note(g *Group, tracking bool) {
	if g.changed == k.epoch {
		return
	}
	if g.changed != 0 {
		g.put(k.saving)
	}
	g.changed = k.epoch
	if tracking {
		k.changed = append(k.changed, g)
	}
}

// recordKey is what the group is kept under.
func (g *Group) recordKey() string {
	buf := make([]byte, 0, 64)
	buf = append(buf, groupPrefix...)
	buf = binary.BigEndian.AppendUint64(buf, g.owner.scope)
	return string(append(buf, g.key...))
}

// put puts the group's record, unless it was closed before the checkpoint began.
func (g *Group) put(c *engine.Checkpoint) {
	if !g.closed {
		c.Put(g.recordKey(), g.save)
	}
}

// putInner puts all groups inside of g.
func (g *Group) putInner(c *engine.Checkpoint) {
	g.eachInner(func(in *Group) { in.put(c) })
}

// dueInner has all groups inside of g due.
func (g *Group) dueInner(k *kept) {
	g.eachInner(func(in *Group) {
		in.changed = k.epoch.Other()
		k.due = append(k.due, in)
	})
}

// eachInner calls f for each group inside of g.
func (g *Group) eachInner(f func(*Group)) {
	for _, s := range g.states {
		if by, ok := s.(*byState); ok {
			for _, key := range slices.Sorted(maps.Keys(by.groups)) {
				f(by.groups[key])
				by.groups[key].eachInner(f)
			}
		}
	}
}

// save writes the state of each operator that has one in the group.
func (g *Group) save(w *engine.RecordWriter) {
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

// loading is what is known while records are read.
type loading struct {
	*engine.Loading
	graph  *Graph
	ops    []keeper // by their number in the records; nil: there is none any more
	kept   map[uint64][]keptGroup
	scopes map[uint64]*byState
	groups []*Group // what is inside comes after what is around it
}

// keptGroup is the record of a group.
type keptGroup struct {
	key    string
	record *engine.RecordReader
}

// Load brings the operators to where they were saved. The engine has been
// loaded from the same records and the graph started before, and no event has
// flowed since. State of operators that are not there any more is skipped, as
// is what cannot be read; l.Skipped tells how much. Operators that the records
// do not have begin anew.
func (g *Graph) Load(records *engine.Loading) {
	l := &loading{Loading: records, graph: g, kept: make(map[uint64][]keptGroup), scopes: make(map[uint64]*byState)}
	g.load = l
	defer func() { g.load = nil }()
	before := l.Skipped()
	same := l.operators()
	l.Each(groupPrefix, func(rest string, r *engine.RecordReader) {
		if len(rest) < 8 {
			l.Skip()
			return
		}
		scope := binary.BigEndian.Uint64([]byte(rest))
		l.kept[scope] = append(l.kept[scope], keptGroup{rest[8:], r})
	})
	l.top()
	l.EachHold(l.hold)
	l.extras()
	for _, lost := range l.kept { // their by is gone
		for range lost {
			l.Skip()
		}
	}
	// What kept a group alive may be gone with its operator.
	for i := len(l.groups) - 1; i >= 0; i-- {
		l.groups[i].check()
	}
	g.kept.known = same && l.Skipped() == before && g.kept.epoch != 0
}

// operators reads which operators have which numbers, and reports whether they
// are those of the graph.
func (l *loading) operators() (same bool) {
	byPath := make(map[string]keeper, len(l.graph.keepers))
	for _, op := range l.graph.keepers {
		byPath[op.base().path] = op
	}
	r, _ := l.Record(operatorsKey)
	for range r.Len() {
		l.ops = append(l.ops, byPath[r.Text()])
	}
	if r.End() != nil {
		l.Skip()
		l.ops = nil
	}
	return slices.Equal(l.ops, l.graph.keepers)
}

// top reads what stands outside of by.
func (l *loading) top() {
	for _, op := range l.graph.root.kept {
		if r, ok := l.Record(topPrefix + op.base().path); ok {
			l.state(l.graph.top, op, r)
		}
	}
	here := make(map[string]bool)
	for _, op := range l.graph.root.kept {
		here[op.base().path] = true
	}
	l.Each(topPrefix, func(path string, _ *engine.RecordReader) {
		if !here[path] {
			l.Skip()
		}
	})
}

// group reads the states of one group.
func (l *loading) group(g *Group, r *engine.RecordReader) {
	l.groups = append(l.groups, g)
	seen := make([]bool, len(g.states))
	for range r.Len() {
		number, piece := r.Int(max(len(l.ops)-1, 0)), r.Piece()
		if r.Err() != nil || len(l.ops) == 0 {
			break
		}
		op := l.ops[number]
		if op == nil || op.base().scope != g.scope || seen[op.base().slot] {
			l.Skip()
			continue
		}
		seen[op.base().slot] = true
		l.state(g, op, piece)
	}
	if r.End() != nil {
		l.Skip()
	}
}

// state reads the state of one operator in one group. What cannot be read
// leaves no trace.
func (l *loading) state(g *Group, op keeper, r *engine.RecordReader) {
	busy, slot := g.busy, op.base().slot
	op.load(g, r)
	if r.End() == nil {
		return
	}
	l.Skip()
	if s := g.states[slot]; s != nil {
		s.drop(l.graph.engine)
		g.states[slot] = nil
	}
	g.busy = busy
	if op, ok := op.(starter); ok {
		op.start(g)
	}
}

// hold puts an entry into the group of that key, if both are there.
func (l *loading) hold(entry *engine.Entry, hold *engine.Hold, key string) {
	s := l.scopes[hold.Scope]
	if s == nil || s.groups[key] == nil || s.groups[key].closed || entry.Hold(hold.Scope) != nil {
		l.graph.engine.Index().Change(entry)
		return
	}
	s.groups[key].entries++
	hold.Holder = s.groups[key]
	entry.AddHold(hold)
}

func (l *loading) extras() {
	byName := make(map[string]Extra, len(l.graph.extras))
	for _, x := range l.graph.extras {
		byName[x.name] = x.state
	}
	l.Each(extraPrefix, func(name string, r *engine.RecordReader) {
		if x := byName[name]; x != nil {
			if x.Load(r); r.Err() == nil {
				return
			}
		}
		l.Skip()
	})
}

// checkPeriod refuses a periodic timer that stands in the past, from where it
// would fire over and over.
func checkPeriod(r *engine.RecordReader, t *engine.Timer, now engine.Time) {
	if t.IsSet() && t.Due() < now {
		r.Fail("a periodic timer stands in the past")
	}
}
