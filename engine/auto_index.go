package engine

import "time"

// AutoIndexed is what Options.AutoIndex has cost.
type AutoIndexed struct {
	// In are the events from sources, Out those of them that were indexed.
	In, Out uint64
	// Errors are those of its function.
	Errors uint64
	// Time is an estimate; see Meter.
	Time time.Duration
}

type autoIndex struct {
	Sampler
	out, errors uint64
	took        time.Duration
}

// AutoIndexed returns what Options.AutoIndex has cost; all 0 when there is none.
func (e *Engine) AutoIndexed() AutoIndexed {
	return AutoIndexed{In: e.auto.Came(), Out: e.auto.out, Errors: e.auto.errors, Time: e.auto.took}
}

// autoIndexed reports whether an event from a source is to be indexed.
func (e *Engine) autoIndexed(ev *Event) (ok bool) {
	if e.opts.AutoIndex == nil {
		return true
	}
	if e.auto.Due() {
		ok = e.autoMeasured(ev)
	} else {
		ok = e.autoMatches(ev)
	}
	if ok {
		e.auto.out++
	}
	return ok
}

func (e *Engine) autoMeasured(ev *Event) bool {
	sample := e.meter.Begin(&e.auto.Sampler)
	defer e.meter.End(&e.auto.Sampler, sample)
	defer e.meter.Leave(e.meter.Enter(&e.auto.took, sample.Weight))
	return e.autoMatches(ev)
}

func (e *Engine) autoMatches(ev *Event) bool {
	ok, err := e.opts.AutoIndex.Match(ev)
	if err != nil {
		e.auto.errors++
		e.Fail(ev, err)
	}
	return ok && err == nil
}
