package engine

import (
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// pauses are the times in which a Runner's engine could hear nobody.
type pauses struct {
	missed time.Duration // up to the last reading, and not passed over yet
	cause  string

	count, setBack *metrics.Counter
	seconds        *metrics.FloatCounter
	ahead          *metrics.Gauge
}

func newPauses(set *metrics.Set) pauses {
	return pauses{
		count:   set.GetOrCreateCounter("tocsin_clock_pauses_total"),
		seconds: set.GetOrCreateFloatCounter("tocsin_clock_paused_seconds_total"),
		setBack: set.GetOrCreateCounter("tocsin_clock_set_back_total"),
		ahead:   set.GetOrCreateGauge("tocsin_clock_ahead_seconds", nil),
	}
}

// beat shows the clock that the program runs, until Run returns.
func (r *Runner) beat() {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.clock.Beat()
		case <-r.done:
			return
		}
	}
}

// begin passes over the time between the making of the clock, or the last
// reading of it, and the start of the engine: nothing was to be heard then.
func (r *Runner) begin() {
	if reading := r.clock.Read(); reading.Missed > 0 {
		r.skip(reading.Now, reading.Missed)
	}
}

// read reads the clock, and notes what of the time was missed.
func (r *Runner) read() Time {
	reading := r.clock.Read()
	p := &r.pauses
	p.ahead.Set(reading.Ahead.Seconds())
	if reading.Missed > 0 {
		p.missed, p.cause = p.missed+reading.Missed, reading.Cause
	}
	if reading.SetBack > 0 {
		p.setBack.Inc()
		r.tellClock(fmt.Sprintf("the clock was set back by %v: time goes a tenth slower until it has caught up", shown(reading.SetBack)))
	}
	return reading.Now
}

// passOver resumes the engine after a pause that ends now, and tells of it.
func (r *Runner) passOver(now Time) {
	p := &r.pauses
	missed := p.missed
	p.missed = 0
	p.count.Inc()
	p.seconds.Add(missed.Seconds())
	r.skip(now, missed)
	r.tellClock(fmt.Sprintf("%v do not count: %s", shown(missed), p.cause))
}

// skip resumes the engine after a pause that ends now. A log gets to know where
// the pause began, so that it is replayed there.
func (r *Runner) skip(now Time, missed time.Duration) {
	for !r.advanceTo(now.Add(-missed)) {
	}
	if r.log != nil {
		r.engine.position++
		mark := &Batch{input: &input{runner: r}}
		r.log.Append(mark, Served{Position: r.engine.position, Now: r.engine.now, Downtime: r.engine.downtime, Mark: true})
	}
	r.Resume(now)
}

// Resume is Engine.Resume, in which a panic in a stream costs what was in hand and
// no more. It is called before Run, after what was replayed.
func (r *Runner) Resume(now Time) {
	r.checkpoints.pause() // what is put off is not noted as changed
	for !r.resumeTo(now) {
	}
}

func (r *Runner) resumeTo(now Time) (done bool) {
	defer r.survive()
	r.engine.Resume(now)
	return true
}

// tellClock logs what the clock does, and makes an event of it.
func (r *Runner) tellClock(description string) {
	r.engine.opts.Logger.Warn(description)
	r.tell(note{service: "tocsin clock", state: "warning", description: description})
}

// shown rounds a time for people.
func shown(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
