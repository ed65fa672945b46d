package stream

import (
	"fmt"
	"math"

	"tocsin/engine"
)

// Case is a state and when it applies.
type Case struct {
	State string
	Pred  engine.Predicate
}

// Classify sets the state to that of the first case whose predicate holds,
// else to rest; without a rest, the state is then left as it was.
func (s *Stream) Classify(cases []Case, rest string, hasRest bool) (*Stream, error) {
	if len(cases) == 0 {
		return nil, fmt.Errorf("classify needs at least one state with its condition")
	}
	return s.add(&classify{cases: cases, rest: rest, hasRest: hasRest}, "classify"), nil
}

type classify struct {
	node
	cases   []Case
	rest    string
	hasRest bool
	made    engine.Event
}

func (c *classify) event(g *Group, e *engine.Event) {
	state, found := c.rest, c.hasRest
	for i := range c.cases {
		ok, err := c.cases[i].Pred.Match(e)
		if err != nil {
			c.fail(g, e, err)
			return
		}
		if ok {
			state, found = c.cases[i].State, true
			break
		}
	}
	c.made = *e
	if found {
		c.made.SetState(state)
	}
	c.out.event(g, &c.made)
}

// Threshold says from which metric on a state is taken.
type Threshold struct {
	// Warning and Critical are the limits; nil: there is no such state.
	Warning, Critical *float64
	// Below means that what lies below a limit is beyond it.
	Below bool
	// Hysteresis is how far the metric must be back from a limit before the
	// state is left.
	Hysteresis float64
	// Hits is how many events in a row must call for a state, or for a worse
	// one, before it is taken.
	Hits int
}

// Threshold sets the state to ok, warning or critical.
func (s *Stream) Threshold(o Threshold) (*Stream, error) {
	switch {
	case o.Warning == nil && o.Critical == nil:
		return nil, fmt.Errorf("threshold needs warning or critical")
	case !(o.Hysteresis >= 0):
		return nil, fmt.Errorf("threshold needs a hysteresis that is not negative, not %g", o.Hysteresis)
	case o.Hits < 1:
		return nil, fmt.Errorf("threshold needs hits of at least 1, not %d", o.Hits)
	}
	t := &threshold{hysteresis: o.Hysteresis, hits: o.Hits, sign: 1}
	if o.Below {
		t.sign = -1
	}
	for i, limit := range []*float64{o.Warning, o.Critical} {
		if limit != nil {
			t.levels[i+1] = level{state: [...]string{"warning", "critical"}[i], limit: *limit * t.sign}
		}
	}
	t.levels[0].state = "ok"
	return s.addWithState(t, "threshold"), nil
}

// threshold counts with sign × metric, so that beyond is always above.
type threshold struct {
	node
	levels     [3]level
	sign       float64
	hysteresis float64
	hits       int
	made       engine.Event
}

// level is a state from ok, the lowest, to critical. One that was not asked
// for has no state.
type level struct {
	state string
	limit float64
}

type thresholdState struct {
	untimed
	level int
	hits  [3]int // events in a row that called for the level or a worse one
}

func (s *thresholdState) save(w *engine.RecordWriter) {
	w.Int(s.level)
	for _, n := range s.hits {
		w.Int(n)
	}
}

func (t *threshold) load(g *Group, r *engine.RecordReader) {
	s := &thresholdState{level: r.Int(len(t.levels) - 1)}
	for i := range s.hits {
		s.hits[i] = min(r.Int(math.MaxInt), t.hits)
	}
	g.states[t.slot] = s
}

func (t *threshold) event(g *Group, e *engine.Event) {
	if e.Has&engine.HasMetric == 0 {
		t.out.event(g, e)
		return
	}
	s := stateOf[thresholdState](g, &t.node)
	if s == nil {
		s = &thresholdState{}
		g.states[t.slot] = s
	}
	t.move(s, e.Metric*t.sign)
	t.made = *e
	t.made.SetState(t.levels[s.level].state)
	t.out.event(g, &t.made)
}

// move goes down as far as the metric is back, then up as far as it was called
// for often enough.
func (t *threshold) move(s *thresholdState, metric float64) {
	for s.level > 0 && (t.levels[s.level].state == "" || metric <= t.levels[s.level].limit-t.hysteresis) {
		s.level--
	}
	for l := 1; l < len(t.levels); l++ {
		switch {
		case t.levels[l].state == "":
		case metric > t.levels[l].limit: // so is what calls for a worse one
			if s.hits[l] = min(s.hits[l]+1, t.hits); s.hits[l] == t.hits {
				s.level = max(s.level, l)
			}
		default:
			s.hits[l] = 0
		}
	}
}
