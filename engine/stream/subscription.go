package stream

import "tocsin/engine"

// subscription is the head of a stream that the engine serves.
type subscription struct {
	came engine.Sampler
	op   operator
	out  *Out
	top  *Group
}

var _ engine.Measurer = (*subscription)(nil)

func (s *subscription) Handle(e *engine.Event)          { s.out.event(s.top, e) }
func (s *subscription) Fail(e *engine.Event, err error) { s.op.base().fail(s.top, e, err) }

// Sampler implements engine.Measurer.
func (s *subscription) Sampler() *engine.Sampler { return &s.came }

// Measure implements engine.Measurer.
func (s *subscription) Measure(e *engine.Event, rest engine.Predicate, weight uint64) {
	n := s.op.base()
	defer n.leave(n.enter(weight, s.out))
	if rest != nil {
		if ok, err := rest.Rest(e); err != nil {
			s.Fail(e, err)
			return
		} else if !ok {
			return
		}
	}
	s.Handle(e)
}

// handleMeasured is Handle for an event that is measured.
func (s *Stream) handleMeasured(e *engine.Event) {
	meter := s.graph.engine.Meter()
	sample := meter.Begin(s.came)
	defer meter.End(s.came, sample)
	n := s.from.base()
	defer n.leave(n.enter(sample.Weight, s.out))
	s.out.event(s.graph.top, e)
}
