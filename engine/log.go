package engine

import (
	"context"
	"time"
)

// Log keeps the batches that the engine has served, so that what a checkpoint
// does not have yet can be served again after a crash: see engine/journal.
type Log interface {
	// Append takes over a batch that was served. The log calls Settle when the
	// batch is durable, or when it cannot be made so; those of one source in their
	// order. Append is called on the engine's goroutine, and waits while the log is
	// behind.
	Append(b *Batch, at Served)
}

// Served says when a batch was served.
type Served struct {
	// Position is its number among the batches that are kept: those that hold events,
	// and marks. Another one has that of the batch before it.
	Position uint64
	// Now is where the clock stood.
	Now Time
	// Downtime is for how long the engine had not run until then: see Resume.
	Downtime time.Duration
	// Mark says that the batch holds no events and is kept all the same: it tells
	// where the clock stood when the engine paused.
	Mark bool
}

// Logged is a batch as a Log has kept it.
type Logged struct {
	Served
	// Source is the name of the source that it came from.
	Source string
	// Events are as they were when they had been served: with arrival left out,
	// but with the time, ttl and tags that they were given on the way.
	Events []Event
}

// Settle ends a batch that a Log was given: Done is told err, and the batch goes
// back to where sources get theirs. Any goroutine may call it, once.
func (b *Batch) Settle(err error) {
	if b.Done != nil {
		b.Done(err)
	}
	b.input.runner.recycle(b)
}

// Source returns the name of the source that the batch comes from.
func (b *Batch) Source() string { return b.input.Name }

// Position returns the number of the last batch that was handed to a Log. A
// checkpoint keeps it: what has a higher one is to be served again.
func (e *Engine) Position() uint64 { return e.position }

// SetPosition has the next batch get the number after position: for an engine
// that begins anew beside a journal that has batches already.
func (e *Engine) SetPosition(position uint64) { e.position = position }

// SetLog has the runner hand every batch to l once it was served. It must be
// called before Run, and after Replay.
func (r *Runner) SetLog(l Log) { r.log = l }

// Replay serves a batch that a Log has kept, as it was served then: the clock
// moves to where it stood, after a Resume if there was one before the batch, and
// the events go through the stream of their source, if there is still one of that
// name. While a full outlet holds the engine up, it waits, until ctx is done. It must
// be called before Run, after the inputs were made, in the order of the positions.
// The events are changed. Timers that were late then, because very many were due at
// once, are not now. Checkpoints are made on the way, if any are.
func (r *Runner) Replay(ctx context.Context, l Logged) {
	if gap := l.Downtime - r.engine.downtime; gap > 0 {
		r.Resume(r.engine.now.Add(gap))
	}
	for !r.advanceTo(l.Now) {
	}
	r.pass(&Batch{Events: l.Events, input: r.inputNamed(l.Source)})
	r.engine.position = l.Position
	r.flush(ctx)
	r.checkpoint()
}

// inputNamed returns the input of that name, or one that has only a name.
func (r *Runner) inputNamed(name string) *input {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, in := range r.inputs {
		if in.Name == name {
			return in
		}
	}
	return &input{InputOptions: InputOptions{Name: name}, runner: r}
}
