package engine

import (
	"errors"
	"time"
)

// CheckpointStore keeps checkpoints: see engine/store.
type CheckpointStore interface {
	// Commit keeps what a checkpoint says. When it returns without an error, that
	// is durable. It is called by one goroutine at a time.
	Commit(c *Checkpoint) error
}

// CheckpointOptions say how a runner makes checkpoints.
type CheckpointOptions struct {
	Store CheckpointStore
	// Every is how long after the beginning of one the next begins (1 s). When a
	// commit takes more than a fifth of that, it is longer.
	Every time.Duration
	// Save puts what there is besides the engine itself: the graph, the outlets.
	// It is called on the engine's goroutine, and at the end on that of
	// LastCheckpoint.
	Save func(c *Checkpoint)
	// Whole says that the store does not have what the engine was loaded from, so
	// that the first checkpoint has to have everything.
	Whole bool
	// Committed, when not nil, is told of each checkpoint that is durable: of the
	// position in the journal up to which it has everything.
	Committed func(position uint64)
}

const (
	// checkpointPiece is how many records are collected between two turns of
	// events and timers.
	checkpointPiece = 1024
	// longestCheckpointWait bounds the wait after checkpoints that could not be
	// kept; it doubles up to there. When a commit takes longer than that, what
	// changes is not noted any more, and the next checkpoint is whole.
	longestCheckpointWait = 30 * time.Second
)

// checkpointer makes the checkpoints of a runner, by real time: they go on while a
// full sink has the engine's clock stand still. A checkpoint is collected in
// pieces, between batches, and then committed on a goroutine of its own while
// events go on. There is never more than one.
type checkpointer struct {
	CheckpointOptions
	runner     *Runner
	checkpoint Checkpoint
	collecting bool
	stepping   bool // step is at work, or panicked
	committing bool
	untracked  bool // since the commit takes so long
	result     chan error
	took       time.Duration // the last commit
	next       time.Time     // when the next one begins
	wait       time.Duration
	failed     bool // the last one could not be kept
	trouble    troubleLog
}

// SetCheckpoints has the runner make checkpoints. It must be called before Run.
// The engine must have been told to Track.
func (r *Runner) SetCheckpoints(o CheckpointOptions) {
	setDefault(&o.Every, time.Second)
	c := &checkpointer{CheckpointOptions: o, runner: r, result: make(chan error, 1), wait: o.Every}
	c.trouble.logger = r.engine.opts.Logger
	r.checkpoints = c
}

// checkpoint goes on with the checkpoints. It reports whether there is more to
// collect at once.
func (r *Runner) checkpoint() (more bool) {
	if r.checkpoints == nil {
		return false
	}
	defer r.survive()
	return r.checkpoints.step(r.engine)
}

func (c *checkpointer) step(e *Engine) (more bool) {
	select {
	case err := <-c.result:
		c.committed(err)
	default:
	}
	c.afterPanic()
	now := time.Now()
	if c.committing && !c.untracked && !now.Before(c.next.Add(longestCheckpointWait)) {
		e.tracking, c.untracked = false, true // or the notes would fill the memory
	}
	if c.committing || !c.collecting && now.Before(c.next) {
		return false
	}
	c.stepping = true
	if !c.collecting {
		c.begin(e)
	}
	more = !c.checkpoint.More(checkpointPiece)
	c.stepping = false
	if !more {
		c.collecting, c.committing = false, true
		go c.commit()
	}
	return more
}

// afterPanic gives up what a step has collected until it panicked.
func (c *checkpointer) afterPanic() {
	if c.stepping {
		c.stepping, c.collecting, c.Whole = false, false, true
		c.checkpoint, c.next = Checkpoint{}, time.Now().Add(longestCheckpointWait)
	}
}

// commit commits the checkpoint, on a goroutine of its own.
func (c *checkpointer) commit() {
	began := time.Now()
	err := c.Store.Commit(&c.checkpoint)
	c.took = time.Since(began)
	c.result <- err
}

// begin begins a checkpoint of what there is now.
func (c *checkpointer) begin(e *Engine) {
	if c.untracked {
		e.tracking, c.untracked, c.Whole = true, false, true
	}
	c.checkpoint.Reset()
	c.checkpoint.Whole = c.Whole
	c.collecting, c.next = true, time.Now().Add(c.wait)
	e.Save(&c.checkpoint)
	c.runner.savePlaces(&c.checkpoint)
	c.Save(&c.checkpoint)
}

// committed is what follows a commit. After one that failed nobody knows what
// the store has, so the next checkpoint has everything.
func (c *checkpointer) committed(err error) {
	c.committing = false
	c.Whole = err != nil
	if err == nil {
		c.wait = c.Every
		// Commits take a fifth of a processor at most.
		c.notBefore(min(4*c.took, longestCheckpointWait))
		c.kept()
		if c.failed {
			c.failed = false
			c.trouble.over("checkpoints are kept again")
			c.runner.tellStore("ok", "checkpoints are kept again")
		}
		return
	}
	c.trouble.add("cannot keep a checkpoint; it will be tried again", err, 1)
	if !c.failed {
		c.failed = true
		c.runner.tellStore("critical", "cannot keep a checkpoint: "+err.Error())
	}
	c.wait = min(2*c.wait, longestCheckpointWait)
	c.notBefore(c.wait)
}

func (r *Runner) tellStore(state, description string) {
	defer r.survive()
	r.engine.Notice("tocsin store", state, description)
	r.engine.drain()
	r.engine.Flush() // a checkpoint may follow at once
}

// notBefore puts the next checkpoint off until so much later, if it comes earlier.
func (c *checkpointer) notBefore(wait time.Duration) {
	if at := time.Now().Add(wait); at.After(c.next) {
		c.next = at
	}
}

// hurry has the next checkpoint begin at once, unless the last one failed.
func (c *checkpointer) hurry() {
	if c != nil && !c.failed && !c.committing && !c.collecting {
		c.next = time.Now()
	}
}

// results is where a commit tells how it went.
func (c *checkpointer) results() <-chan error {
	if c == nil {
		return nil
	}
	return c.result
}

// until returns how long nothing is to be done, at most wait. When a commit
// ends, it has to be looked at earlier.
func (c *checkpointer) until(wait time.Duration) time.Duration {
	if c == nil {
		return wait
	}
	return min(wait, max(time.Until(c.next), 10*time.Millisecond))
}

// pause collects the rest of a checkpoint that was begun. Then the engine may be
// swapped; a commit goes on.
func (c *checkpointer) pause() {
	if c == nil {
		return
	}
	if c.afterPanic(); c.collecting {
		c.checkpoint.Finish()
	}
}

// SaveWith has what stands beside the engine be saved by save from now on. It is
// called by what Swap calls.
func (r *Runner) SaveWith(save func(c *Checkpoint)) {
	if r.checkpoints != nil {
		r.checkpoints.Save = save
	}
}

// FirstCheckpoint keeps a checkpoint of what there is before Run. It waits.
func (r *Runner) FirstCheckpoint() error { return r.checkpoints.keep() }

// LastCheckpoint keeps a checkpoint of what there is in the end. It is called
// when Run has returned and the outlets were stopped. It waits.
func (r *Runner) LastCheckpoint() error {
	c := r.checkpoints
	if c == nil {
		return nil
	}
	if !r.hasStopped() {
		return errors.New("the engine has not stopped")
	}
	if c.committing {
		c.committed(<-c.result)
	}
	if c.pause(); c.collecting {
		// What was noted as changed since is not all that the store lacks.
		c.collecting, c.Whole = false, c.Whole || c.Store.Commit(&c.checkpoint) != nil
	}
	return c.keep()
}

// keep makes a checkpoint while the engine stands.
func (c *checkpointer) keep() error {
	c.begin(c.runner.engine)
	c.checkpoint.Finish()
	c.collecting = false
	if err := c.Store.Commit(&c.checkpoint); err != nil {
		return err
	}
	c.Whole = false
	c.kept()
	return nil
}

// kept tells who waits for it that the checkpoint is durable.
func (c *checkpointer) kept() {
	c.runner.placesKept()
	for _, f := range c.checkpoint.durable {
		f()
	}
	if c.Committed != nil {
		c.Committed(c.checkpoint.Position)
	}
}
