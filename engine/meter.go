package engine

import (
	"math"
	"time"
)

// Meter measures where the time of the engine's goroutine goes. Reading the
// wall's clock costs about as much as an operator, so of what happens often
// only samples are measured, and each stands for the events since the one
// before: the sums are estimates. Nothing that a rule can see depends on them.
type Meter struct {
	began time.Time
	clock time.Duration // what reading the clock takes
	now   charge
	since time.Duration // when now began
	dice  uint64
}

// charge is what the time goes to, and how many times it counts.
type charge struct {
	account *time.Duration // nil: nobody's
	weight  uint64
}

// Span is a stretch of time between Enter and Leave.
type Span struct{ before charge }

func newMeter() Meter {
	m := Meter{began: time.Now(), clock: time.Hour, dice: 1}
	for range 16 {
		before := m.read()
		m.clock = min(m.clock, m.read()-before)
	}
	return m
}

// Age returns for how long the engine has been there.
func (m *Meter) Age() time.Duration { return m.read() }

func (m *Meter) read() time.Duration { return time.Since(m.began) }

// Active reports whether something is being measured.
func (m *Meter) Active() bool { return m.now.weight > 0 }

// Weight is how many times the time counts that is being measured.
func (m *Meter) Weight() uint64 { return m.now.weight }

// Enter has the time from now on go to account, weight times, until Leave is
// called with the Span.
func (m *Meter) Enter(account *time.Duration, weight uint64) Span {
	return Span{m.turn(charge{account, weight})}
}

// Leave has the time go again to where it went before Enter.
func (m *Meter) Leave(s Span) { m.turn(s.before) }

// longestSample is how much one stretch of time counts at most, however often
// it counts: a pause of the whole program must not pass for thousands of them.
const longestSample = 100 * time.Millisecond

// turn gives the time since the last turn to whom it belongs.
func (m *Meter) turn(next charge) (before charge) {
	now := m.read()
	before = m.now
	if before.account != nil {
		took := max(now-m.since-m.clock, 0)
		if all := took * time.Duration(before.weight); all <= longestSample {
			took = all
		} else {
			took = max(took, longestSample)
		}
		*before.account += took
	}
	m.now, m.since = next, now
	return before
}

// Sampler decides which of the events at one place are measured. The first are;
// later as few as make measuring cost little beside what is measured. The zero
// value is ready.
type Sampler struct {
	came, next uint64        // events; the one to be measured next
	last       uint64        // the one that was measured last
	mean       time.Duration // what an event took lately
}

const (
	// sampleCost is how long the samples at one place are to be apart, in time
	// spent there: some hundred times what a sample costs.
	sampleCost = 400 * time.Microsecond
	// longestGap bounds how many events one sample stands for, about.
	longestGap = 1024
)

// Came is how many events came.
func (s *Sampler) Came() uint64 { return s.came }

// Due counts an event, and reports whether it is to be measured.
func (s *Sampler) Due() bool {
	s.came++
	return s.came >= s.next
}

// Sampling is a sample that has begun.
type Sampling struct {
	// Weight is how many events the sample stands for.
	Weight uint64
	began  time.Duration
}

// Begin begins the sample that was due.
func (m *Meter) Begin(s *Sampler) Sampling {
	weight := s.came - s.last
	s.last = s.came
	return Sampling{weight, m.read()}
}

// End ends a sample, and says when the next is due: after a random number of
// events, because what comes in turn would else be measured in step with it.
func (m *Meter) End(s *Sampler, begun Sampling) {
	s.mean += (m.read() - begun.began - s.mean) / 8
	gap := min(uint64(sampleCost/max(s.mean, 1)), longestGap, s.came/16)
	m.dice ^= m.dice << 13 // Marsaglia's xorshift
	m.dice ^= m.dice >> 7
	m.dice ^= m.dice << 17
	s.next = s.came + 1 + m.dice%(2*gap+1)
}

// Measurer is a Handler that can measure what it costs.
type Measurer interface {
	Handler
	// Sampler decides which events are measured. It is best part of what Handle
	// looks at anyway.
	Sampler() *Sampler
	// Measure does what the engine does with an event otherwise: it asks rest
	// (nil: all events match), and handles the event. It measures the time that
	// takes, weight times.
	Measure(e *Event, rest Predicate, weight uint64)
}

// MeasuredFirer is a Firer that measures what firing costs.
type MeasuredFirer interface {
	Firer
	// FireMeasured is called instead of Fire.
	FireMeasured(e *Engine, t *Timer)
}

// subscriber is a handler that the engine serves.
type subscriber struct {
	Handler
	sampler *Sampler
}

func newSubscriber(to Handler) subscriber {
	if m, ok := to.(Measurer); ok {
		return subscriber{to, m.Sampler()}
	}
	return subscriber{to, &Sampler{next: math.MaxUint64}} // it cannot measure
}

// sample serves an event, and measures it.
func (e *Engine) sample(hop *Hop[subscriber], ev *Event) {
	sample := e.meter.Begin(hop.To.sampler)
	hop.To.Handler.(Measurer).Measure(ev, hop.Rest, sample.Weight)
	e.meter.End(hop.To.sampler, sample)
}
