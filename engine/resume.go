package engine

import "time"

// Resume moves the clock to now, over a time in which the engine did not run:
// after a load (behind Graph.Load), or a pause of the program. That time does not
// count for entries: nobody could be heard then, so each has as much of its ttl
// left as it had, and each Waiter as much of its time. What else was due meanwhile fires, in order; what is periodic fires
// once, and then goes on after now. It is called between two events. After a panic
// in a stream it is called again to go on.
func (e *Engine) Resume(now Time) {
	if e.resuming == 0 && !e.pauseUntil(now) {
		return
	}
	e.Advance(e.resuming, 0)
	e.resuming = 0
}

// pauseUntil has the time from now on up to then not count. It returns false when
// that is no time.
func (e *Engine) pauseUntil(then Time) bool {
	gap := then.Sub(e.now)
	if gap <= 0 {
		return false
	}
	e.downtime += gap
	if len(e.downtimes) == downtimesKept {
		e.downtimes = e.downtimes[1:]
	}
	e.downtimes = append(e.downtimes, downPeriod{e.now, then})
	e.index.EachEntry(func(entry *Entry) { entry.deadline = entry.deadline.Add(gap) })
	e.wheel.putOff(gap)
	e.resuming = then
	return true
}

// downPeriod is a time in which the engine did not run.
type downPeriod struct{ from, to Time }

// downtimesKept is how many of them are known at most. An event from before as
// many pauses may expire early, in operators that remember it.
const downtimesKept = 16

// Horizon is the time up to which what is periodic fires once at most: now, or
// where Resume goes to.
func (e *Engine) Horizon() Time { return max(e.now, e.resuming) }

// After returns when d has passed since from, not counting the time in which the
// engine did not run. What was made while it resumed counts from then on.
func (e *Engine) After(from Time, d time.Duration) Time {
	if n := len(e.downtimes); n == 0 || from > e.downtimes[n-1].to {
		return from.Add(d)
	}
	due := from.Add(d)
	for _, down := range e.downtimes {
		switch {
		case from > down.from:
			due = due.Add(max(down.to.Sub(from), 0))
			from = max(from, down.to)
		case due > down.from:
			due = due.Add(down.to.Sub(down.from))
		}
	}
	return due
}
