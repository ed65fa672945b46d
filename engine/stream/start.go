package stream

import (
	"time"

	"tocsin/engine"
)

// OnStart has f called by Start, in its place among the operators whose
// windows begin then: so that timers due at one instant fire in the order of
// their making, whoever made them.
func (g *Graph) OnStart(f func()) { g.root.starters = append(g.root.starters, startFunc(f)) }

// startFunc is a function as a starter.
type startFunc func()

func (f startFunc) start(*Group) { f() }

// Every has tick called every period, from one period after Start on. What
// happens at one instant happens in the order of its making. name is what the
// timer is known by in a record. An error of tick becomes an event.
func (g *Graph) Every(name string, period time.Duration, tick func() error) {
	p := &periodic{period: period, tick: tick}
	g.adopt(p, g.root, "every/"+name)
	g.keep(p)
	g.root.starters = append(g.root.starters, p)
}

// periodic is an operator that nothing feeds.
type periodic struct {
	node
	period time.Duration
	tick   func() error
	turns  uint64
}

type periodicState struct {
	ticks
	op *periodic
}

func (p *periodic) event(*Group, *engine.Event) {}

func (p *periodic) start(g *Group) {
	s := &periodicState{op: p}
	s.ticks.begin(g, &p.node, p.period, s)
	g.states[p.slot] = s
}

func (p *periodic) load(g *Group, r *engine.RecordReader) {
	s := stateOf[periodicState](g, &p.node)
	s.ticks.load(r, p.graph.engine)
	checkPeriod(r, &s.timer, p.now())
	if !s.timer.IsSet() {
		r.Fail("a periodic timer is not set")
	}
}

// Fire implements engine.Firer: a period has ended.
func (s *periodicState) Fire(e *engine.Engine, t *engine.Timer) {
	again(e, t, s.op.period, s.place)
	s.op.turns++
	if err := s.op.tick(); err != nil {
		s.op.fail(s.op.graph.top, nil, err)
	}
}
