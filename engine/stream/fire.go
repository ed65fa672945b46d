package stream

import "tocsin/engine"

// fire fires a timer of the operator, and measures some of the time.
func (n *node) fire(f engine.Firer, e *engine.Engine, t *engine.Timer) {
	if !n.fires.Due() {
		f.Fire(e, t)
		return
	}
	sample := e.Meter().Begin(&n.fires)
	defer e.Meter().End(&n.fires, sample)
	defer n.leave(n.enter(sample.Weight, n.outs...))
	f.Fire(e, t)
}

// fireAlways fires a timer of the operator, and measures it each time.
func (n *node) fireAlways(f engine.Firer, e *engine.Engine, t *engine.Timer) {
	defer n.leave(n.enter(1, n.outs...))
	f.Fire(e, t)
}

// FireMeasured, and its kin below, implement engine.MeasuredFirer.
func (s *coalesceState) FireMeasured(e *engine.Engine, t *engine.Timer)    { s.op.fire(s, e, t) }
func (s *fillState) FireMeasured(e *engine.Engine, t *engine.Timer)        { s.op.fire(s, e, t) }
func (s *interpolateState) FireMeasured(e *engine.Engine, t *engine.Timer) { s.op.fire(s, e, t) }
func (s *rollupState) FireMeasured(e *engine.Engine, t *engine.Timer)      { s.op.fire(s, e, t) }
func (s *batchState) FireMeasured(e *engine.Engine, t *engine.Timer)       { s.op.fire(s, e, t) }
func (s *sampleState) FireMeasured(e *engine.Engine, t *engine.Timer)      { s.op.fire(s, e, t) }
func (s *percentilesState) FireMeasured(e *engine.Engine, t *engine.Timer) { s.op.fire(s, e, t) }
func (s *rateState) FireMeasured(e *engine.Engine, t *engine.Timer)        { s.op.fire(s, e, t) }
func (s *ddtEveryState) FireMeasured(e *engine.Engine, t *engine.Timer)    { s.op.fire(s, e, t) }
func (s *stableState) FireMeasured(e *engine.Engine, t *engine.Timer)      { s.op.fire(s, e, t) }
func (s *periodicState) FireMeasured(e *engine.Engine, t *engine.Timer)    { s.op.fireAlways(s, e, t) }
func (s *apdexState) FireMeasured(e *engine.Engine, t *engine.Timer)       { s.op.fire(s, e, t) }
func (s *tumblingState) FireMeasured(e *engine.Engine, t *engine.Timer)    { s.op.fire(s, e, t) }
