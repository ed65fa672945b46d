package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// Run calls the sink until Stop, or until ctx is done, which leaves at once
// what is not delivered. It closes the sink before it returns. It is called
// once, after Open, on a goroutine that its owner waits for.
func (o *Outlet) Run(ctx context.Context) {
	defer close(o.done)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-o.abort:
			cancel()
		case <-ctx.Done():
		}
	})
	for o.await(ctx) {
		o.deliver(ctx)
	}
	cancel()
	wg.Wait()
	o.abandon()
	signal(o.room) // as nobody makes any more
	if err := guard(o.options.Sink.Close); err != nil {
		o.options.Logger.Error("cannot close sink", "error", err)
	}
}

// await waits for a piece of work. It returns false at the end.
func (o *Outlet) await(ctx context.Context) bool {
	for {
		o.mu.Lock()
		ready := o.queue.next()
		stopped := o.stopped
		o.mu.Unlock()
		signal(o.room)
		switch {
		case ctx.Err() != nil:
			return false
		case ready:
			return true
		case stopped:
			return false
		}
		select {
		case <-o.wake:
		case <-o.reopen:
			o.reopenSink()
		case <-o.stopping:
		case <-ctx.Done():
		}
	}
}

// deliver calls the sink with the piece of work until it takes it, or until it
// makes no sense any more.
func (o *Outlet) deliver(ctx context.Context) {
	for wait := o.options.RetryMin; ; wait = min(2*wait, o.options.RetryMax) {
		select {
		case <-o.reopen:
			o.reopenSink()
		default:
		}
		err := o.call(ctx)
		if err == nil {
			o.settle(nil)
			return
		}
		if ctx.Err() != nil {
			return
		}
		until := o.queue.deadline()
		if IsPermanent(err) || !until.IsZero() && !time.Now().Before(until) {
			o.settle(err)
			return
		}
		o.trouble.add("sink fails, will retry", err, 1)
		if !o.backOff(ctx, retryIn(err, wait), until) {
			return
		}
		o.metrics.retries.Inc()
		o.mu.Lock()
		o.queue.next()
		o.mu.Unlock()
	}
}

func (o *Outlet) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, o.options.Timeout)
	defer cancel()
	began := time.Now()
	err := guard(func() error { return o.queue.call(ctx) })
	o.metrics.calls.UpdateDuration(began)
	if err != nil {
		o.metrics.errors.Inc()
		if _, ok := errors.AsType[*panicError](err); ok {
			o.metrics.panics.Inc()
		}
	}
	return err
}

// settle ends the piece of work: delivered, or with an error given up.
func (o *Outlet) settle(err error) {
	o.mu.Lock()
	n, m := o.queue.finish()
	o.metrics.queue.Set(float64(o.queue.len()))
	o.mu.Unlock()
	switch {
	case err == nil:
		o.metrics.delivered.Add(n)
		o.trouble.over("sink delivers again")
		return
	case IsPermanent(err):
		o.metrics.dropPermanent.Add(n)
	default:
		o.metrics.dropExpired.Add(n)
	}
	o.trouble.add("sink fails, gave up", err, 1)
	if len(m.Events) > 0 {
		o.options.Dead(m, err)
	}
}

// backOff waits before a retry. Stop and Reopen cut the wait short, once each.
// It returns false when ctx is done.
func (o *Outlet) backOff(ctx context.Context, wait time.Duration, until time.Time) bool {
	if left := time.Until(until); !until.IsZero() && left < wait {
		wait = left
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	stopping := o.stopping
	if o.hurried {
		stopping = nil
	}
	select {
	case <-timer.C:
	case <-stopping:
		o.hurried = true
	case <-o.reopen:
		o.reopenSink()
	case <-ctx.Done():
		return false
	}
	return true
}

func (o *Outlet) reopenSink() {
	r, ok := o.options.Sink.(Reopener)
	if !ok {
		return
	}
	if err := guard(r.Reopen); err != nil {
		o.options.Logger.Error("cannot reopen sink", "error", err)
	}
}

// How long after the end of its context Stop waits for a sink that was told to
// let go.
const stopGrace = time.Second

// Stop ends Run: it delivers what is queued, for as long as ctx lasts, and
// counts and logs what is left. It returns at the latest one second after the
// end of ctx, even if the sink hangs, and with an error if something was not
// delivered. It is called when the engine has stopped, so that nobody calls
// Put or Flush any more; a second call does nothing new.
func (o *Outlet) Stop(ctx context.Context) error {
	o.stopOnce.Do(func() { o.stop(ctx) })
	o.mu.Lock()
	left := o.left
	o.mu.Unlock()
	if left > 0 {
		return fmt.Errorf("cannot deliver %d events to sink %q before the end", left, o.options.Name)
	}
	return nil
}

func (o *Outlet) stop(ctx context.Context) {
	o.Flush()
	o.mu.Lock()
	o.stopped = true
	o.mu.Unlock()
	close(o.stopping)
	select {
	case <-o.done:
		return
	case <-ctx.Done():
		o.abortOnce.Do(func() { close(o.abort) })
	}
	select {
	case <-o.done:
	case <-time.After(stopGrace):
		o.options.Logger.Error("sink hangs; leaving it behind")
		o.abandon()
	}
}

// abandon counts, once, what is queued and will not be delivered, unless a
// checkpoint keeps it.
func (o *Outlet) abandon() {
	o.mu.Lock()
	left, kept := 0, o.kept
	if !o.abandoned {
		left = o.queue.events()
	}
	if !kept {
		o.left += left
	}
	o.stopped, o.abandoned = true, true
	o.mu.Unlock()
	switch {
	case left == 0:
	case kept:
		o.options.Logger.Info("events were not delivered before the end; they are kept for the next start", "events", left)
	default:
		o.metrics.dropShutdown.Add(left)
		o.options.Logger.Error("events were not delivered before the end", "events", left)
	}
}

// The longest wait that a sink can ask for by RetryAfter.
const longestRetryAfter = 15 * time.Minute

type retryAfterError struct {
	error
	wait time.Duration
}

func (e retryAfterError) Unwrap() error { return e.error }

// RetryAfter marks an error of a sink after which it is of no use to try again
// before wait has passed, such as an answer "too many requests".
func RetryAfter(err error, wait time.Duration) error { return retryAfterError{err, wait} }

// retryIn returns how long to wait before a retry: between half of wait and
// all of it, so that many outlets do not come at once, or what the error asks.
func retryIn(err error, wait time.Duration) time.Duration {
	wait = wait/2 + rand.N(wait/2+1)
	if asked, ok := errors.AsType[retryAfterError](err); ok {
		wait = max(wait, min(asked.wait, longestRetryAfter))
	}
	return wait
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// guard calls f and turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return f()
}
