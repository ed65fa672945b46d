package engine

// Resume moves the clock of an engine that was loaded to now, over the time in
// which it did not run. That time does not count for entries: nobody could be
// heard then, so each has as much of its ttl left as it had. What was due
// meanwhile fires, in order; what is periodic fires once, and then goes on
// after now. It is called after Graph.Load and before events flow.
func (e *Engine) Resume(now Time) {
	gap := now.Sub(e.now)
	if gap <= 0 {
		return
	}
	e.downtime += gap
	e.index.EachEntry(func(entry *Entry) { entry.deadline = entry.deadline.Add(gap) })
	e.resuming = now
	e.Advance(now, 0)
	e.resuming = 0
}

// Horizon is the time up to which what is periodic fires once at most: now, or
// where Resume goes to.
func (e *Engine) Horizon() Time { return max(e.now, e.resuming) }
