package stream

import (
	"cmp"
	"container/heap"
	"fmt"

	"tocsin/engine"
)

// Top returns two streams: one for the events with the k largest keys, of which
// each (host, service) has one, and one for the others. Each of the two sees
// an expiry of what the other gets, so that both agree on who is where.
func (s *Stream) Top(k int, key engine.Key) (top, rest *Stream, err error) {
	if k < 1 {
		return nil, nil, fmt.Errorf("top needs k of at least 1, not %d", k)
	}
	op := &topmost{k: k, key: key}
	top = s.addWithState(op, "top")
	return top, s.branch(op, &op.rest, "rest"), nil
}

type topmost struct {
	node
	k       int
	key     engine.Key
	rest    Out
	expiry  engine.Event
	demoted engine.Event
}

// topState is who is in.
type topState struct {
	untimed
	members map[hostService]*topMember
	least   topHeap // the members; the one to be demoted first
	seq     uint64
}

type topMember struct {
	event engine.Event
	value engine.Value
	seq   uint64 // of the event
	pos   int    // in the heap
}

func (s *topState) save(w *engine.RecordWriter) {
	w.Uvarint(s.seq)
	w.Int(len(s.least))
	for _, m := range s.least {
		w.Event(&m.event)
		w.Value(m.value)
		w.Uvarint(m.seq)
	}
}

// load keeps the k largest, which may be fewer than there were.
func (t *topmost) load(g *Group, r *engine.RecordReader) {
	s := &topState{members: make(map[hostService]*topMember), seq: r.Uvarint()}
	for range r.Len() {
		m := &topMember{event: r.SomeEvent(), value: r.Value(), seq: r.Uvarint()}
		if r.Err() != nil {
			return
		}
		key := hostServiceOf(m.event.ID)
		if s.members[key] != nil {
			r.Fail("top has an event twice")
			return
		}
		s.members[key] = m
		heap.Push(&s.least, m)
		if len(s.least) > t.k {
			delete(s.members, hostServiceOf(heap.Pop(&s.least).(*topMember).event.ID))
		}
	}
	g.states[t.slot] = s
}

func (t *topmost) event(g *Group, e *engine.Event) {
	s := stateOf[topState](g, &t.node)
	if s == nil {
		s = &topState{members: make(map[hostService]*topMember)}
		g.states[t.slot] = s
	}
	v, err := t.key.Value(e)
	switch {
	case t.graph.engine.HasExpired(e):
		s.remove(e)
		t.out.event(g, e)
		t.rest.event(g, e)
	case err != nil:
		t.fail(g, e, err)
	case v.Kind == engine.Absent:
		s.remove(e)
		t.pass(g, e, &t.rest, &t.out)
	default:
		if s.admit(e, v, t.k, &t.demoted) {
			if t.demoted.ID != nil {
				t.pass(g, &t.demoted, &t.rest, &t.out)
			}
			t.pass(g, e, &t.out, &t.rest)
		} else {
			t.pass(g, e, &t.rest, &t.out)
		}
	}
}

// pass hands e to one stream, after its expiry to the other.
func (t *topmost) pass(g *Group, e *engine.Event, to, other *Out) {
	t.expiry = e.Expiry(t.now())
	other.event(g, &t.expiry)
	to.event(g, e)
}

// admit takes e in, if it is in already, if there is room, or if it is above
// the least, who then makes room and is put into demoted.
func (s *topState) admit(e *engine.Event, v engine.Value, k int, demoted *engine.Event) bool {
	*demoted = engine.Event{}
	s.seq++
	key := hostServiceOf(e.ID)
	m := s.members[key]
	switch {
	case m != nil:
		*m = topMember{event: *e, value: v, seq: s.seq, pos: m.pos}
		heap.Fix(&s.least, m.pos)
		return true
	case len(s.least) < k:
		m = &topMember{event: *e, value: v, seq: s.seq}
		s.members[key] = m
		heap.Push(&s.least, m)
		return true
	case compareValues(v, s.least[0].value) <= 0:
		return false
	}
	m = s.least[0]
	*demoted = m.event
	delete(s.members, hostServiceOf(m.event.ID))
	*m = topMember{event: *e, value: v, seq: s.seq}
	s.members[key] = m
	heap.Fix(&s.least, 0)
	return true
}

func (s *topState) remove(e *engine.Event) {
	if m := s.members[hostServiceOf(e.ID)]; m != nil {
		heap.Remove(&s.least, m.pos)
		delete(s.members, hostServiceOf(e.ID))
	}
}

// topHeap implements heap.Interface: first comes the least, and of equals the
// latest.
type topHeap []*topMember

func (h topHeap) Len() int { return len(h) }

func (h topHeap) Less(i, j int) bool {
	if c := compareValues(h[i].value, h[j].value); c != 0 {
		return c < 0
	}
	return h[i].seq > h[j].seq
}

func (h topHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].pos, h[j].pos = i, j
}

func (h *topHeap) Push(x any) {
	m := x.(*topMember)
	m.pos = len(*h)
	*h = append(*h, m)
}

func (h *topHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return m
}

// compareValues orders values of one kind as one expects, and those of several
// kinds by kind.
func compareValues(a, b engine.Value) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Num, b.Num), cmp.Compare(a.Str, b.Str))
}
