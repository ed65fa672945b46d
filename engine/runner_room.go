package engine

import (
	"context"
	"fmt"
	"time"
)

// heldUpLong is after how long an event tells that a full sink holds the engine up.
const heldUpLong = 10 * time.Second

// flush flushes the outputs, and waits while a full outlet holds the engine up.
func (r *Runner) flush(ctx context.Context) {
	r.engine.Flush()
	if o := r.engine.full(); o != nil {
		r.awaitRoom(ctx, o)
	}
}

// awaitRoom waits until no outlet holds the engine up, at first o, or until ctx is
// done. All events stand still, and the clock is not read, so that it can tell for how
// long that was. Calls go on, such as a reload that
// takes the outlet away, and what is told of trouble; and checkpoints, as a transact
// outlet has room only after one. So this is no deadlock: what such an outlet waits
// for is done here, and what any other does, on goroutines of their own.
func (r *Runner) awaitRoom(ctx context.Context, o *Outlet) {
	began, told := time.Now(), ""
	timer := time.NewTimer(heldUpLong)
	defer timer.Stop()
	for last := (*Outlet)(nil); o != nil && ctx.Err() == nil; o = r.engine.full() {
		if o != last {
			o.metrics.blocked.Inc()
			last = o
		}
		if told == "" && time.Since(began) >= heldUpLong {
			told = o.Name()
			r.tellHeldUp(told, "critical", "is full and holds everything up: no rule runs until it delivers")
		}
		if o.awaitsCheckpoint() {
			r.checkpoints.hurry()
		}
		if r.checkpoint() {
			r.serveOther()
		} else {
			timer.Reset(r.checkpoints.until(heldUpLong))
			r.awaitAny(ctx, o, timer)
		}
		r.engine.Flush() // what was told
	}
	if told != "" {
		r.tellHeldUp(told, "ok", "has room again")
	}
}

// awaitAny waits for anything that may make room, and does it.
func (r *Runner) awaitAny(ctx context.Context, o *Outlet, timer *time.Timer) {
	select {
	case <-o.room:
	case err := <-r.checkpoints.results():
		r.committed(err)
	case call := <-r.calls:
		r.call(call)
	case n := <-r.notes:
		r.tell(n)
	case <-timer.C:
	case <-ctx.Done():
	}
}

// committed notes how a commit went.
func (r *Runner) committed(err error) {
	defer r.survive()
	r.checkpoints.committed(err)
}

// tellHeldUp has an event tell that an outlet holds the engine up, or does no
// longer.
func (r *Runner) tellHeldUp(sink, state, what string) {
	r.engine.opts.Logger.Warn("sink "+what, "sink", sink)
	r.note(note{"tocsin sink", state, fmt.Sprintf("sink %s %s", sink, what), []Attr{{Key: "sink", Value: sink}}})
}
