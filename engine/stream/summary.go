package stream

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tocsin/engine"
)

// Apdex passes, every dt with events, the share of those that satisfied holds
// for, and half of those that only tolerated holds for, on the last one.
// Expired events do not count.
func (s *Stream) Apdex(dt time.Duration, satisfied, tolerated engine.Predicate) (*Stream, error) {
	if err := needDT("apdex", dt); err != nil {
		return nil, err
	}
	if satisfied == nil || tolerated == nil {
		return nil, fmt.Errorf("apdex needs both satisfied and tolerated")
	}
	return s.addWithState(&apdex{dt: dt, satisfied: satisfied, tolerated: tolerated}, "apdex"), nil
}

type apdex struct {
	node
	dt                   time.Duration
	satisfied, tolerated engine.Predicate
	made                 engine.Event
}

type apdexState struct {
	ticks
	op    *apdex
	group *Group // held while all is not 0
	last  engine.Event
	score float64
	all   int
}

func (s *apdexState) save(w *engine.RecordWriter) {
	s.ticks.save(w)
	w.Int(s.all)
	if s.all > 0 {
		w.Float(s.score)
		w.Event(&s.last)
	}
}

func (a *apdex) load(g *Group, r *engine.RecordReader) {
	s := stateOf[apdexState](g, &a.node)
	s.ticks.load(r, a.graph.engine)
	if s.all = r.Int(math.MaxInt); s.all > 0 {
		s.score, s.last = r.Float(), r.SomeEvent()
		g.hold()
	}
}

func (a *apdex) start(g *Group) {
	s := &apdexState{op: a, group: g}
	s.ticks.begin(g, &a.node, a.dt, s)
	g.states[a.slot] = s
}

func (a *apdex) event(g *Group, e *engine.Event) {
	if e.IsExpired() {
		return
	}
	score, err := a.scoreOf(e)
	if err != nil {
		a.fail(g, e, err)
		return
	}
	s := stateOf[apdexState](g, &a.node)
	if s.all == 0 {
		g.hold()
		s.ticks.arm(a.graph.engine)
	}
	s.last = *e
	s.score += score
	s.all++
}

func (a *apdex) scoreOf(e *engine.Event) (float64, error) {
	if ok, err := a.satisfied.Match(e); ok || err != nil {
		return 1, err
	}
	if ok, err := a.tolerated.Match(e); ok || err != nil {
		return 0.5, err
	}
	return 0, nil
}

// Fire implements engine.Firer: an interval has ended.
func (s *apdexState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if s.all == 0 {
		return
	}
	out := &s.op.made
	*out = s.last
	makeAt(out, e.Now())
	out.SetMetric(s.score / float64(s.all))
	s.op.out.event(s.group, out)
	s.last, s.score, s.all = engine.Event{}, 0, 0
	s.group.release()
}

// Predict passes each event with the metric that it will have after ahead, by
// the line through the last n events. From one event, or from events of one
// instant, nothing is passed, and nothing for an event without a metric.
func (s *Stream) Predict(n int, ahead time.Duration) (*Stream, error) {
	if err := needN("predict", n); err != nil {
		return nil, err
	}
	return s.addWithState(&predict{n: n, ahead: engine.InSeconds(ahead)}, "predict"), nil
}

type predict struct {
	node
	n     int
	ahead float64 // in seconds
	made  engine.Event
}

// predictState has the last readings, in no order once there are n.
type predictState struct {
	untimed
	readings []reading
	oldest   int
}

func (s *predictState) save(w *engine.RecordWriter) {
	w.Int(len(s.readings))
	w.Int(s.oldest)
	for _, at := range s.readings {
		at.save(w)
	}
}

func (p *predict) load(g *Group, r *engine.RecordReader) {
	n := r.Len()
	s := &predictState{oldest: r.Int(max(n-1, 0))}
	for range n {
		s.readings = append(s.readings, readingOf(r))
	}
	if n != p.n && r.Err() == nil { // the ring has another size now
		s.readings = slices.Concat(s.readings[s.oldest:], s.readings[:s.oldest])
		s.readings, s.oldest = lastOf(s.readings, p.n), 0
	}
	g.states[p.slot] = s
}

func (p *predict) event(g *Group, e *engine.Event) {
	if e.Has&engine.HasMetric == 0 {
		return
	}
	s := stateOf[predictState](g, &p.node)
	if s == nil {
		s = &predictState{}
		g.states[p.slot] = s
	}
	now := reading{timeOr(e, p.now()), e.Metric}
	if len(s.readings) < p.n {
		s.readings = append(s.readings, now)
	} else {
		s.readings[s.oldest] = now
		s.oldest = (s.oldest + 1) % p.n
	}
	if perSecond, mean, ok := line(s.readings, now.at); ok {
		p.made = *e
		p.made.SetMetric(mean + perSecond*p.ahead)
		p.out.event(g, &p.made)
	}
}

// line fits a line by least squares: its slope, and its value at an instant.
// It fails when the readings are all of one time.
func line(readings []reading, at engine.Time) (perSecond, value float64, ok bool) {
	n := float64(len(readings))
	var x, y float64 // means
	for _, r := range readings {
		x += engine.InSeconds(r.at.Sub(at)) / n
		y += r.metric / n
	}
	var xx, xy float64
	for _, r := range readings {
		dx := engine.InSeconds(r.at.Sub(at)) - x
		xx += dx * dx
		xy += dx * (r.metric - y)
	}
	if xx == 0 {
		return 0, 0, false
	}
	perSecond = xy / xx
	return perSecond, y - perSecond*x, true
}
