package engine

import (
	"context"
	"slices"
	"time"
)

// Swap has another engine run in the place of the one that does. succeed is
// called between two batches, on the engine's goroutine; it returns the engine to
// go on with, which has succeeded the old one (see Engine.Succeed), and which the
// batches that are queued go to. With an error, the old one goes on, which must
// not have been touched then. Swap waits, and tells for how long events had to.
func (r *Runner) Swap(ctx context.Context, succeed func(old *Engine) (*Engine, error)) (pause time.Duration, err error) {
	var failed error
	err = r.Do(ctx, func(old *Engine) {
		began := time.Now()
		defer func() { pause = time.Since(began) }()
		old.Flush()
		r.checkpoints.pause()
		var next *Engine
		if next, failed = succeed(old); failed == nil {
			r.engine = next
		}
	})
	if err != nil {
		return 0, err
	}
	return pause, failed
}

// Revise gives an input of the runner, of which batches may be on their way,
// another TTL and Through. It is called by what Swap calls.
func (r *Runner) Revise(in Input, ttl time.Duration, through Handler) {
	to := in.(*input)
	to.TTL, to.Through = ttl, through
}

// Remove forgets an input whose source has ended.
func (r *Runner) Remove(in Input) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs = slices.DeleteFunc(slices.Clone(r.inputs), func(at *input) bool { return at == in })
}
