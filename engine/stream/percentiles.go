package stream

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tocsin/engine"
)

// sampler picks events out of many by where their metric stands among all.
type sampler struct {
	points []point
	sorted []engine.Event
}

// point is where to pick: 0 is the smallest metric, 1 the largest.
type point struct {
	at       float64
	suffixed *engine.Deriver // with the point behind the service
}

func newSampler(name string, points []float64, g *Graph) (*sampler, error) {
	if len(points) == 0 {
		return nil, fmt.Errorf("%s needs at least one point", name)
	}
	s := &sampler{}
	for _, p := range points {
		if !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("%s needs points from 0 to 1, not %v", name, p)
		}
		suffix := " " + strconv.FormatFloat(p, 'f', -1, 64)
		s.points = append(s.points, point{p, g.relabelling(func(parts *engine.Parts) { parts.SetService(parts.Service + suffix) })})
	}
	return s, nil
}

// samples calls pass with a copy of one event for each point, its service
// suffixed by the point. Events without a metric do not count.
func (s *sampler) samples(events []engine.Event, pass func(engine.Event)) {
	sorted := s.sorted[:0]
	for i := range events {
		if events[i].Has&engine.HasMetric != 0 {
			sorted = append(sorted, events[i])
		}
	}
	s.sorted = sorted
	if len(sorted) == 0 {
		return
	}
	slices.SortStableFunc(sorted, func(a, b engine.Event) int { return cmp.Compare(a.Metric, b.Metric) })
	for i := range s.points {
		p := &s.points[i]
		e := sorted[min(len(sorted)-1, int(float64(len(sorted))*p.at))]
		e.ID = p.suffixed.Of(e.ID)
		pass(e)
	}
	clear(sorted)
}

// SortedSample passes, for each point, the event of the list that stands there
// when the list is sorted by metric, its service suffixed by the point: 0 is
// the smallest, 0.5 the median, 1 the largest.
func (s *Stream) SortedSample(points []float64) (*Stream, error) {
	sampler, err := newSampler("sorted_sample", points, s.graph)
	if err != nil {
		return nil, err
	}
	return s.add(&sortedSample{sampler: sampler}, "sorted_sample"), nil
}

type sortedSample struct {
	takesLists
	sampler *sampler
	made    engine.Event
}

func (p *sortedSample) list(g *Group, events []engine.Event) {
	p.sampler.samples(events, func(e engine.Event) {
		p.made = e
		p.out.event(g, &p.made)
	})
}

// Percentiles passes, every dt, what SortedSample makes of the events of the
// last dt, with the time of the clock. Expired events do not count.
func (s *Stream) Percentiles(dt time.Duration, points []float64) (*Stream, error) {
	if err := needDT("percentiles", dt); err != nil {
		return nil, err
	}
	sampler, err := newSampler("percentiles", points, s.graph)
	if err != nil {
		return nil, err
	}
	return s.addWithState(&percentiles{dt: dt, sampler: sampler}, "percentiles"), nil
}

type percentiles struct {
	node
	dt      time.Duration
	sampler *sampler
	made    engine.Event
}

type percentilesState struct {
	held
	op *percentiles
}

func (p *percentiles) load(g *Group, r *engine.RecordReader) {
	stateOf[percentilesState](g, &p.node).held.load(r, &p.node)
}

func (p *percentiles) start(g *Group) {
	s := &percentilesState{held: held{group: g}, op: p}
	s.ticks.begin(g, &p.node, p.dt, s)
	g.states[p.slot] = s
}

func (p *percentiles) event(g *Group, e *engine.Event) {
	if !e.IsExpired() && e.Has&engine.HasMetric != 0 {
		stateOf[percentilesState](g, &p.node).add(e, &p.node)
	}
}

// Fire implements engine.Firer: an interval has ended.
func (s *percentilesState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	if len(s.events) == 0 {
		return
	}
	s.op.sampler.samples(s.events, func(picked engine.Event) {
		out := &s.op.made
		*out = picked
		makeAt(out, e.Now())
		s.op.out.event(s.group, out)
	})
	s.clear()
}
