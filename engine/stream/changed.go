package stream

import (
	"fmt"
	"math"

	"tocsin/engine"
)

// ChangedOptions says how Changed begins and what it passes.
type ChangedOptions struct {
	// Init is what the key is taken to be before the first event, if HasInit;
	// else the key is taken to be absent.
	Init    engine.Value
	HasInit bool
	// Pairs has the list {event before, event now} passed. There is none
	// before the first event.
	Pairs bool
}

// Changed passes the events whose key differs from that of the event before.
func (s *Stream) Changed(key engine.Key, o ChangedOptions) *Stream {
	c := &changed{key: key, pairs: o.Pairs}
	if o.HasInit {
		c.init = o.Init
	}
	return s.addWithState(c, "changed")
}

type changed struct {
	node
	key   engine.Key
	init  engine.Value
	pairs bool
	pair  [2]engine.Event
}

type changedState struct {
	untimed
	value  engine.Value
	before *engine.Event // kept for pairs only
}

func (s *changedState) save(w *engine.RecordWriter) {
	w.Value(s.value)
	if s.before != nil {
		w.Event(s.before)
	} else {
		w.Event(&engine.Event{})
	}
}

func (c *changed) load(g *Group, r *engine.RecordReader) {
	s := &changedState{value: r.Value()}
	if before := r.Event(); c.pairs {
		s.before = &before
	}
	g.states[c.slot] = s
}

func (c *changed) event(g *Group, e *engine.Event) {
	v, err := c.key.Value(e)
	if err != nil {
		c.fail(g, e, err)
		return
	}
	s := stateOf[changedState](g, &c.node)
	if s == nil {
		s = &changedState{value: c.init}
		if c.pairs {
			s.before = new(engine.Event)
		}
		g.states[c.slot] = s
	}
	differs := v != s.value
	s.value = v
	if !c.pairs {
		if differs {
			c.out.event(g, e)
		}
		return
	}
	c.pair = [2]engine.Event{*s.before, *e}
	*s.before = *e
	if differs {
		c.out.list(g, c.pair[:])
	}
}

// Runs passes the newest event when the last n have the same key.
func (s *Stream) Runs(n int, key engine.Key) (*Stream, error) {
	if err := needN("runs", n); err != nil {
		return nil, err
	}
	return s.addWithState(&runs{n: n, key: key}, "runs"), nil
}

type runs struct {
	node
	n   int
	key engine.Key
}

type runsState struct {
	untimed
	value engine.Value
	n     int // how many in a row had the value, up to what is needed
}

func (s *runsState) save(w *engine.RecordWriter) {
	w.Value(s.value)
	w.Int(s.n)
}

func (r *runs) load(g *Group, in *engine.RecordReader) {
	g.states[r.slot] = &runsState{value: in.Value(), n: min(in.Int(math.MaxInt), r.n)}
}

func (r *runs) event(g *Group, e *engine.Event) {
	v, err := r.key.Value(e)
	if err != nil {
		r.fail(g, e, err)
		return
	}
	s := stateOf[runsState](g, &r.node)
	if s == nil {
		s = &runsState{}
		g.states[r.slot] = s
	}
	if v != s.value {
		s.value, s.n = v, 0
	}
	s.n = min(s.n+1, r.n)
	if s.n == r.n {
		r.out.event(g, e)
	}
}

// AtLeast passes an event for which pred holds when it held for k of the last
// n, or of those so far.
func (s *Stream) AtLeast(k, n int, pred engine.Predicate) (*Stream, error) {
	switch {
	case k < 1:
		return nil, fmt.Errorf("at_least needs k of at least 1, not %d", k)
	case n < k:
		return nil, fmt.Errorf("at_least needs n of at least k: %d of %d cannot be", k, n)
	}
	return s.addWithState(&atLeast{k: k, n: n, pred: pred}, "at_least"), nil
}

type atLeast struct {
	node
	k, n int
	pred engine.Predicate
}

type atLeastState struct {
	untimed
	held  []bool // for each of the last n events, as a ring
	next  int
	count int // of those that held
}

func (s *atLeastState) save(w *engine.RecordWriter) {
	w.Int(len(s.held))
	for i := range s.held {
		w.Bool(s.held[(s.next+i)%len(s.held)])
	}
}

func (a *atLeast) load(g *Group, r *engine.RecordReader) {
	s := &atLeastState{}
	for range r.Len() {
		s.add(r.Bool(), a.n)
	}
	g.states[a.slot] = s
}

func (a *atLeast) event(g *Group, e *engine.Event) {
	holds, err := a.pred.Match(e)
	if err != nil {
		a.fail(g, e, err)
		return
	}
	s := stateOf[atLeastState](g, &a.node)
	if s == nil {
		s = &atLeastState{}
		g.states[a.slot] = s
	}
	s.add(holds, a.n)
	if holds && s.count >= a.k {
		a.out.event(g, e)
	}
}

func (s *atLeastState) add(holds bool, n int) {
	if len(s.held) < n {
		s.held = append(s.held, holds)
	} else {
		if s.held[s.next] {
			s.count--
		}
		s.held[s.next] = holds
		s.next = (s.next + 1) % n
	}
	if holds {
		s.count++
	}
}
