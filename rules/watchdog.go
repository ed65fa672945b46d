package rules

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// watchdog cuts off calls into Lua that run for too long or take too much
// memory. It is the context of the Lua state, which looks at Done before each
// instruction. A call costs two atomic stores; a goroutine looks now and then at
// how long the call in hand has been running, and how the heap has grown
// meanwhile (memory.go).
//
// Done stays closed until the outermost call has returned, so no pcall in Lua
// can go on after a cut.
type watchdog struct {
	// call counts up when a call begins (odd) and ends (even). A call that is
	// cut off is marked by cutMark.
	call  atomic.Uint64
	limit atomic.Int64
	seq   uint64        // the engine's goroutine only
	depth int           // the engine's goroutine only
	done  chan struct{} // replaced by the engine's goroutine after a cut
	scale scale

	stop chan struct{}
	once sync.Once
	wg   sync.WaitGroup
}

const cutMark = 1 << 63

var _ context.Context = (*watchdog)(nil)

// newWatchdog starts a watchdog, to be closed.
func newWatchdog(limit time.Duration) *watchdog {
	w := &watchdog{done: make(chan struct{}), stop: make(chan struct{})}
	w.limit.Store(int64(limit))
	w.scale.allow(loadMemory<<20, "loading")
	w.scale.heap.Store(heapBytes())
	w.wg.Go(w.run)
	return w
}

// begin is called before Lua is.
func (w *watchdog) begin() {
	if w.depth++; w.depth == 1 {
		w.seq++
		w.call.Store(w.seq)
		w.scale.begin()
	}
}

// end is called when Lua has returned, and reports whether it was cut off.
func (w *watchdog) end() (cut bool) {
	if w.depth--; w.depth > 0 {
		return false
	}
	began := w.seq
	w.seq++
	if w.call.CompareAndSwap(began, w.seq) {
		return false
	}
	<-w.done // the goroutine that marked the call is about to close it
	w.done = make(chan struct{})
	w.call.Store(w.seq)
	return true
}

// suspend ends the call in hand, so that calls made until resume have a time
// of their own; then the call's time begins anew.
func (w *watchdog) suspend() (resume func()) {
	depth := w.depth
	w.depth = 1
	cut, heavy := w.end(), w.scale.heavy
	return func() {
		w.begin()
		w.depth = depth
		if cut {
			w.scale.heavy = heavy
			w.cut()
		}
	}
}

// cut cuts off the call in hand now.
func (w *watchdog) cut() {
	if w.call.CompareAndSwap(w.seq, w.seq|cutMark) {
		close(w.done)
	}
}

// over returns why the call in hand is cut off, or nil. A function of Go that
// may run for long asks it now and then.
func (w *watchdog) over() error {
	select {
	case <-w.Done():
		return w.Err()
	default:
		return nil
	}
}

// Between two looks at the call in hand: when none has been running for long,
// and when one has.
const (
	idleLook = 50 * time.Millisecond
	busyLook = 5 * time.Millisecond
)

// run looks at the call in hand a few times within the limit.
func (w *watchdog) run() {
	var last uint64
	var since time.Time
	var heap uint64 // before the call in hand, at most
	pause := idleLook
	for {
		limit := time.Duration(w.limit.Load())
		select {
		case <-w.stop:
			return
		case <-time.After(max(min(limit/8, pause), time.Millisecond)):
		}
		before := w.scale.heap.Load()
		call, now := w.call.Load(), w.scale.sample()
		if call != last {
			last, since, heap, pause = call, time.Now(), before, idleLook
		}
		if call&1 == 0 || call&cutMark != 0 {
			continue
		}
		pause = busyLook
		if now > heap+w.scale.limit.Load() {
			w.scale.due.Store(true)
		}
		if time.Since(since) >= limit && w.call.CompareAndSwap(call, call|cutMark) {
			close(w.done)
			pause = idleLook
		}
	}
}

// close ends the goroutine.
func (w *watchdog) close() {
	w.once.Do(func() { close(w.stop) })
	w.wg.Wait()
}

// Deadline implements context.Context.
func (w *watchdog) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context. It is called by Lua only, on the engine's
// goroutine, before each instruction.
func (w *watchdog) Done() <-chan struct{} {
	if w.scale.due.Load() {
		w.weigh()
	}
	return w.done
}

// Err implements context.Context.
func (w *watchdog) Err() error {
	if w.scale.heavy {
		return fmt.Errorf("cut off after taking more than %d MiB of memory (%s)", w.scale.limit.Load()>>20, w.scale.from)
	}
	return fmt.Errorf("cut off after running for %v (settings.rule_timeout)", time.Duration(w.limit.Load()))
}

// Value implements context.Context.
func (w *watchdog) Value(any) any { return nil }
