package stream

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"tocsin/engine"
)

// By keeps everything behind it apart for each combination of keys.
func (s *Stream) By(keys ...engine.Key) (*Stream, error) {
	if len(keys) == 0 {
		return nil, fmt.Errorf("by needs at least one key")
	}
	b := &by{keys: keys, static: true}
	for _, key := range keys {
		if f, ok := key.(engine.Field); !ok || !f.IsStatic() {
			b.static = false
		}
	}
	behind := s.add(b, "by")
	s.graph.keep(b)
	b.inner = &Scope{by: b, parent: s.scope, depth: s.scope.depth + 1}
	behind.scope = b.inner
	return behind, nil
}

// by finds the group for each event. Which entries are in a group is kept as
// holds of the entries, so that a group goes with the last of them.
type by struct {
	node
	keys   []engine.Key
	static bool // the identity alone decides
	inner  *Scope
	buf    []byte
	live   int // groups that there are now
}

// label is the names of the keys; functions have none.
func (b *by) label() string {
	var names []string
	for _, key := range b.keys {
		if f, ok := key.(engine.Field); ok {
			names = append(names, f.Name())
		} else {
			names = append(names, "function")
		}
	}
	return strings.Join(names, ",")
}

// byState is the groups of a by in one group around it.
type byState struct {
	scope  uint64 // of the holds
	groups map[string]*Group
	last   map[hostService]*Group // of identities, when there is no index to ask
}

func (s *byState) drop(*engine.Engine) {
	for _, g := range s.groups {
		g.close()
	}
}

func (s *byState) save(w *engine.RecordWriter) {
	w.Uvarint(s.scope) // the groups have records of their own
	w.Int(len(s.last))
	for key, in := range s.last {
		w.Text(key.host)
		w.Text(key.service)
		w.Byte(byte(key.has))
		w.Text(in.key)
	}
}

func (b *by) load(g *Group, r *engine.RecordReader) {
	s := b.makeState(g, r.Uvarint())
	if b.graph.load.scopes[s.scope] != nil {
		r.Fail("two bys have the scope %d", s.scope)
	} else if !b.graph.engine.HasScope(s.scope) {
		r.Fail("by has the scope %d, which there is not yet", s.scope) // another would get it
	}
	if r.Err() != nil {
		return
	}
	b.graph.load.scopes[s.scope] = s // before those inside are loaded
	for _, kept := range b.graph.load.kept[s.scope] {
		b.graph.load.group(b.makeGroup(g, s, kept.key), kept.record)
	}
	delete(b.graph.load.kept, s.scope)
	for range r.Len() {
		key := hostService{r.Text(), r.Text(), engine.Fields(r.Byte())}
		if in := s.groups[r.Text()]; in != nil && s.last != nil {
			s.last[key] = in
		}
	}
}

func (b *by) makeState(g *Group, scope uint64) *byState {
	s := &byState{scope: scope, groups: make(map[string]*Group)}
	if b.graph.engine.Bare() {
		s.last = make(map[hostService]*Group)
	}
	g.states[b.slot] = s
	return s
}

func (b *by) stateIn(g *Group) *byState {
	s := stateOf[byState](g, &b.node)
	if s == nil {
		s = b.makeState(g, b.graph.engine.NewScope())
	}
	return s
}

func (b *by) event(g *Group, e *engine.Event) {
	s := b.stateIn(g)
	entry := b.graph.engine.Entry(e)
	in, err := b.groupOf(g, s, entry, e)
	if err != nil {
		b.fail(g, e, err)
		return
	}
	in.note(b.graph)
	in.busy++ // it must not go while the event is in it
	expired := e.IsExpired()
	b.out.event(in, e)
	if expired && entry != nil && !entry.IsIndexed() {
		b.graph.engine.Index().Change(entry)
		entry.DropHold(s.scope)
	}
	in.release()
}

// groupOf returns the group that the event goes to, and notes that its
// identity is in it now.
func (b *by) groupOf(g *Group, s *byState, entry *engine.Entry, e *engine.Event) (*Group, error) {
	expired := e.IsExpired()
	var hold *engine.Hold
	if entry != nil {
		hold = entry.Hold(s.scope)
	}
	if hold != nil && (expired || b.static && hold.ID == e.ID) {
		return hold.Holder.(*Group), nil
	}
	if expired {
		if in := s.last[hostServiceOf(e.ID)]; in != nil {
			return in, nil
		}
	}
	in, err := b.groupFor(g, s, e)
	switch {
	case err != nil || expired:
	case entry != nil:
		b.enter(s, entry, hold, in, e)
	case s.last != nil:
		s.last[hostServiceOf(e.ID)] = in
	}
	return in, err
}

// enter notes that the entry is in a group now, and leaves the one before.
func (b *by) enter(s *byState, entry *engine.Entry, hold *engine.Hold, in *Group, e *engine.Event) {
	b.graph.engine.Index().Change(entry)
	if hold != nil {
		if before := hold.Holder.(*Group); before != in {
			in.entries++
			hold.Holder = in
			before.leave(entry)
			before.Release()
		}
		hold.ID = e.ID
		return
	}
	in.entries++
	entry.AddHold(&engine.Hold{Scope: s.scope, ID: e.ID, Holder: in})
}

// leave takes the entry out of the groups inside g.
func (g *Group) leave(entry *engine.Entry) {
	for _, s := range g.states {
		if inner, ok := s.(*byState); ok {
			if hold := entry.Hold(inner.scope); hold != nil {
				hold.Holder.(*Group).leave(entry)
				entry.DropHold(inner.scope)
			}
		}
	}
}

// groupFor returns the group of the event's keys, making it if need be.
func (b *by) groupFor(g *Group, s *byState, e *engine.Event) (*Group, error) {
	buf := b.buf[:0]
	for _, key := range b.keys {
		v, err := key.Value(e)
		if err != nil {
			return nil, err
		}
		buf = appendKey(buf, v)
	}
	b.buf = buf
	if in := s.groups[string(buf)]; in != nil {
		return in, nil
	}
	return b.makeGroup(g, s, string(buf)), nil
}

func (b *by) makeGroup(g *Group, s *byState, key string) *Group {
	in := &Group{scope: b.inner, parent: g, owner: s, key: key, made: b.now()}
	in.makeStates(len(b.inner.kept))
	s.groups[key] = in
	b.live++
	g.busy++ // g lives as long as what is inside it
	if s.last != nil {
		in.busy++ // without an index, to the end
	}
	for _, op := range b.inner.starters {
		op.start(in)
	}
	return in
}

// appendKey appends a text that differs for values that differ.
func appendKey(buf []byte, v engine.Value) []byte {
	buf = append(buf, byte(v.Kind))
	switch v.Kind {
	case engine.Text:
		buf = binary.AppendUvarint(buf, uint64(len(v.Str)))
		buf = append(buf, v.Str...)
	case engine.Number, engine.Bool:
		buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v.Num))
	}
	return buf
}
