package engine

import (
	"cmp"
	"slices"
	"time"
)

// Set is a standing query: the events of the index for which a predicate
// holds, and what was asked about them, kept up to date as events come and go.
// Engine's goroutine only.
type Set struct {
	index    *Index
	pred     Predicate
	forget   time.Duration
	members  []*Entry
	sorted   []*Entry // members by host and service; nil when that changed
	measures []*measure
	leaving  []leaver // expired members, in the order in which they go
	tidyAt   int      // how many of leaving there may be before a look for stale ones
	timer    Timer
	used     Time
}

// member is an entry's part in one set that its identity allows.
type member struct {
	set    *Set
	rest   Predicate // nil: the identity alone decides
	values []Value   // what the entry contributes to each measure
	pos    int32     // in set.members, when in
	in     bool
	left   bool // expired for longer than the set counts
}

// members are an entry's parts in all sets that its identity allows.
type members []member

type leaver struct {
	entry   *Entry
	expired Time
}

// sets are all the sets of an index.
type sets struct {
	index   *Index
	byKey   map[setKey]*Set
	all     []*Set        // in the order of their making
	router  *Router[*Set] // nil after a set came or went
	longest time.Duration
}

func newSets(x *Index, longest time.Duration) sets {
	return sets{index: x, byKey: make(map[setKey]*Set), longest: longest}
}

type setKey struct {
	query  any
	forget time.Duration
}

// unused is how long a set is kept up to date without being read.
const unused = 5 * time.Minute

// Set returns the set of the events for which pred holds; a nil pred holds for
// all. query is what it was made from, a text or anything else comparable:
// the same query gives the same set. forget is how long a member that has
// expired still counts; a negative one means the engine's. A set that is not
// asked for or read for some minutes is dropped, so callers ask each time.
func (x *Index) Set(query any, pred Predicate, forget time.Duration) *Set {
	if forget < 0 {
		forget = x.engine.opts.Forget
	}
	key := setKey{query, forget}
	s := x.sets.byKey[key]
	if s == nil {
		s = &Set{index: x, pred: pred, forget: forget}
		s.timer.Firer = s
		x.sets.byKey[key] = s
		x.sets.all = append(x.sets.all, s)
		x.sets.router = nil
		x.sets.longest = max(x.sets.longest, forget)
		s.fill()
	}
	s.used = x.engine.now
	return s
}

// fill enters what is in the index already.
func (s *Set) fill() {
	for _, e := range s.index.entries {
		m := member{set: s}
		if s.pred != nil {
			switch s.pred.Static(e.ID) {
			case Never:
				continue
			case Maybe:
				m.rest = s.pred
			}
		}
		m.left = e.status == gone && s.index.engine.now >= s.index.engine.After(e.Arrival, s.forget)
		list := append(e.members(), m)
		e.setMembers(list)
		s.apply(e, &list[len(list)-1])
		if e.status == gone && !m.left {
			s.leaving = append(s.leaving, leaver{e, e.Arrival})
		}
	}
	slices.SortStableFunc(s.leaving, func(a, b leaver) int { return cmp.Compare(a.expired, b.expired) })
	s.arm()
}

// update brings the sets up to date with the entry's event, which is new;
// moved says that its identity is, too.
func (t *sets) update(e *Entry, moved bool) {
	if moved && len(t.all) > 0 {
		t.reroute(e)
	}
	list := e.members()
	for i := range list {
		m := &list[i]
		m.left = m.left && e.status == gone
		m.set.apply(e, m)
	}
}

// reroute finds the sets that the entry's identity can be in.
func (t *sets) reroute(e *Entry) {
	if t.router == nil {
		t.router = NewRouter[*Set]()
		for _, s := range t.all {
			t.router.Add(s.pred, s)
		}
	}
	var list members
	for _, hop := range t.router.Route(e.ID).Hops {
		m := member{set: hop.To}
		if old := e.memberOf(hop.To); old != nil {
			m = *old
			old.set = nil // moved on
		}
		m.rest = hop.Rest
		list = append(list, m)
	}
	old := e.members()
	for i := range old {
		if m := &old[i]; m.set != nil {
			m.set.leave(e, m)
		}
	}
	e.setMembers(list)
}

// expired notes that the entry has just expired.
func (t *sets) expired(e *Entry) {
	list := e.members()
	for i := range list {
		if m := &list[i]; m.set.forget < t.longest || m.set.forget == 0 {
			if m.set.forget == 0 {
				m.left = true
				m.set.leave(e, m)
				continue
			}
			m.set.willLeave(e)
		}
	}
}

// remove takes an entry out of all sets.
func (t *sets) remove(e *Entry) {
	list := e.members()
	for i := range list {
		list[i].set.leave(e, &list[i])
	}
	e.sets = nil
}

// willLeave notes that the entry has just expired.
func (s *Set) willLeave(e *Entry) {
	if len(s.leaving) >= max(s.tidyAt, 64) {
		seen := make(map[*Entry]bool)
		s.leaving = slices.DeleteFunc(s.leaving, func(l leaver) bool {
			if l.stale() || l.entry == e || seen[l.entry] {
				return true
			}
			seen[l.entry] = true
			return false
		})
		s.tidyAt = 2 * len(s.leaving)
	}
	s.leaving = append(s.leaving, leaver{e, e.Arrival})
	s.arm()
}

// stale tells that the entry has come back since, or is forgotten.
func (l leaver) stale() bool { return l.entry.status != gone || l.entry.Arrival != l.expired }

// arm sets the timer for the next member that goes.
func (s *Set) arm() {
	if len(s.leaving) > 0 && !s.timer.IsSet() {
		s.index.engine.wheel.Set(&s.timer, s.index.engine.After(s.leaving[0].expired, s.forget))
	}
}

// Fire implements Firer: members that expired long enough ago go.
func (s *Set) Fire(engine *Engine, _ *Timer) {
	for len(s.leaving) > 0 && engine.After(s.leaving[0].expired, s.forget) <= engine.now {
		first := s.leaving[0]
		s.leaving = s.leaving[1:]
		if m := first.entry.memberOf(s); m != nil && !first.stale() {
			m.left = true
			s.leave(first.entry, m)
		}
	}
	if len(s.leaving) == 0 {
		s.leaving = nil
	}
	s.arm()
}

// apply decides whether the entry is in the set, and counts it.
func (s *Set) apply(e *Entry, m *member) {
	in := !m.left
	if in && m.rest != nil {
		ok, err := m.rest.Rest(&e.Event)
		if err != nil {
			s.index.engine.Fail(&e.Event, err)
		}
		in = ok && err == nil
	}
	if !in {
		s.leave(e, m)
		return
	}
	if !m.in {
		m.in, m.pos = true, int32(len(s.members))
		s.members = append(s.members, e)
		s.sorted = nil
	}
	for i, measure := range s.measures {
		if i < len(m.values) {
			measure.remove(m.values[i])
		} else {
			m.values = append(m.values, Value{})
		}
		m.values[i] = measure.value(s.index.engine, &e.Event)
		measure.add(m.values[i])
	}
}

// leave takes the entry out of the set, if it is in.
func (s *Set) leave(e *Entry, m *member) {
	if !m.in {
		return
	}
	for i, v := range m.values {
		s.measures[i].remove(v)
		m.values[i] = Value{}
	}
	m.in = false
	last := s.members[len(s.members)-1]
	s.members[m.pos] = last
	last.memberOf(s).pos = m.pos
	s.members[len(s.members)-1] = nil
	s.members = s.members[:len(s.members)-1]
	s.sorted = nil
}

func (e *Entry) members() members {
	if e.sets == nil {
		return nil
	}
	return *e.sets
}

func (e *Entry) setMembers(list members) {
	if len(list) == 0 {
		e.sets = nil
		return
	}
	e.sets = &list
}

func (e *Entry) memberOf(s *Set) *member {
	list := e.members()
	for i := range list {
		if list[i].set == s {
			return &list[i]
		}
	}
	return nil
}

// Events calls f for each event of the set, by host and service. The events
// are valid until the engine goes on.
func (s *Set) Events(f func(*Event) bool) {
	s.used = s.index.engine.now
	if s.sorted == nil {
		s.sorted = slices.Clone(s.members)
		slices.SortFunc(s.sorted, func(a, b *Entry) int { return a.ID.Compare(b.ID) })
	}
	for _, e := range s.sorted {
		if !f(&e.Event) {
			return
		}
	}
}

// Len returns how many events the set has.
func (s *Set) Len() int {
	s.used = s.index.engine.now
	return len(s.members)
}

// dropUnused forgets the sets that nobody asked for since the given time.
func (t *sets) dropUnused(since Time) {
	dropped := func(s *Set) bool { return s.used < since }
	if !slices.ContainsFunc(t.all, dropped) {
		return
	}
	for key, s := range t.byKey {
		if dropped(s) {
			delete(t.byKey, key)
			t.index.engine.wheel.Cancel(&s.timer)
		}
	}
	t.all = slices.DeleteFunc(t.all, dropped)
	t.router = nil
	of := func(m member) bool { return dropped(m.set) }
	for _, e := range t.index.entries {
		if slices.ContainsFunc(e.members(), of) {
			e.setMembers(slices.DeleteFunc(e.members(), of))
		}
	}
}
