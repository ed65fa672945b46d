package engine

// Succeed has e, which is new and has not run, go on where old stands: it takes
// over the clock, the timers, the index, what waits in the queue, and what was
// counted. Settings and streams are its own. It must have been made with the
// identities of old. The graph of old has been saved and stopped before, and
// Graph.Start and Graph.Load follow: l gets which groups the entries were in.
// Standing sets are made again when they are asked for. old cannot be used any
// more, and nothing that is left of it is kept alive. Engine's goroutine only,
// between two events.
func (e *Engine) Succeed(old *Engine, l *Loading) {
	e.now, e.downtime, e.scopes, e.stats = old.now, old.downtime, old.scopes, old.stats
	e.rejectedAt, e.position, e.tracking = old.rejectedAt, old.position, old.tracking
	e.downtimes = old.downtimes
	e.queue, e.at, e.flooded = append(old.queue[old.at:], e.queue...), 0, old.flooded
	e.ids.setLimit(e.opts.Identities)

	old.index.letGo(l)
	old.top.Clear()
	e.wheel, e.index = old.wheel, old.index
	e.wheel.forget()
	e.index.engine = e
	e.index.sets = newSets(e.index, e.opts.Forget)
	*old = Engine{opts: Options{Logger: old.opts.Logger}}
}

// letGo takes all entries out of their groups and sets.
func (x *Index) letGo(l *Loading) {
	for _, s := range x.sets.all {
		x.engine.wheel.Cancel(&s.timer)
	}
	x.EachEntry(func(e *Entry) {
		e.sets = nil
		for h := e.holds; h != nil; h = h.next {
			l.holds = append(l.holds, loadedHold{e, h.Scope, h.ID, h.Holder.Key()})
		}
		e.holds = nil
	})
}

// forget lets go of timers that are not set any more but were due lately.
func (w *Wheel) forget() {
	for i := range w.due[:w.at] {
		w.due[i].t = nil
	}
	clear(w.due[len(w.due):cap(w.due)])
}
