package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// ErrStopped says that the engine has stopped and takes nothing more.
var ErrStopped = errors.New("the engine has stopped")

// Bounds of a Runner.
const (
	// queueBatches is how many batches wait for the engine.
	queueBatches = 256
	// turnTimers and turnBatches are how much of the timers (as for Advance)
	// and how many batches the engine serves in turn, so that a great many of
	// one do not keep the other waiting.
	turnTimers  = 512 * fireCost
	turnBatches = 64
	// choresEvery is how often what nobody reads any more is dropped, and what
	// was lost is told.
	choresEvery = 10 * time.Second
	// readEvery is how often the clock is read at least, whether there is much to do
	// or nothing: then it can tell when the engine is held up.
	readEvery = time.Second
)

// Runner runs one engine on the wall's clock: it takes batches from sources,
// moves the clock, and fires what is due. Its methods may be called from any
// goroutine.
type Runner struct {
	engine      *Engine
	ids         *Identities
	clock       Clock
	pauses      pauses
	in          chan *Batch
	calls       chan func(*Engine)
	free        chan *Batch
	notes       chan note
	log         Log           // nil: none
	checkpoints *checkpointer // nil: none
	stop        chan struct{} // closed by Stop: no more batches come
	done        chan struct{} // closed when Run returns
	once        sync.Once

	set     *metrics.Set
	latency *metrics.Histogram

	panicked *metrics.Counter
	panics   troubleLog

	mu     sync.Mutex
	inputs []*input
	places map[string]*Place // by the name of the source and their own
}

// NewRunner makes a runner of e, which must not be used by anyone else from
// then on.
func NewRunner(e *Engine, clock Clock) *Runner {
	r := &Runner{
		engine: e, ids: e.ids, clock: clock,
		in:     make(chan *Batch, queueBatches),
		free:   make(chan *Batch, queueBatches),
		calls:  make(chan func(*Engine)),
		notes:  make(chan note, 64),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
		places: make(map[string]*Place),
		set:    e.opts.Metrics,
	}
	r.panicked = r.set.GetOrCreateCounter("tocsin_engine_panics_total")
	r.panics.logger = e.opts.Logger
	r.pauses = newPauses(r.set)
	r.latency = r.set.GetOrCreateHistogram("tocsin_event_latency_seconds")
	r.set.GetOrCreateGauge("tocsin_engine_queue_batches", func() float64 { return float64(len(r.in)) })
	return r
}

// tellDropped makes an event for each source that had to drop events since the
// last one.
func (r *Runner) tellDropped() {
	r.mu.Lock()
	inputs := r.inputs
	r.mu.Unlock()
	for _, in := range inputs {
		if n := in.dropped.Get(); n > in.told {
			lost := n - in.told
			in.told = n
			r.tell(note{"tocsin dropped", "critical", fmt.Sprintf("source %s dropped %d events: the engine is behind", in.Name, lost), []Attr{{Key: "source", Value: in.Name}}})
		}
	}
}

func (r *Runner) hasStopped() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (in *input) Offer(b *Batch) bool {
	if b.idle() {
		in.runner.recycle(b)
		return true
	}
	if !in.runner.hasStopped() && in.put(b) {
		return true
	}
	in.dropped.Add(len(b.Events))
	in.runner.recycle(b)
	return false
}

// Do calls f on the engine's goroutine and waits for it. f must be quick: it
// holds up all events.
func (r *Runner) Do(ctx context.Context, f func(*Engine)) error {
	ready := make(chan struct{})
	err := errors.New("panic in a call of the engine")
	call := func(e *Engine) {
		defer close(ready)
		f(e)
		err = nil
	}
	select {
	case r.calls <- call:
		<-ready
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.done:
		return ErrStopped
	}
}

// note is trouble that other goroutines tell the engine of.
type note struct {
	service, state, description string
	attrs                       []Attr
}

// Notify makes an event that tells of trouble of Tocsin's own, such as a page
// that could not be delivered. It does not block: when too many come at once,
// some are lost, so what is told must be counted elsewhere, too.
func (r *Runner) Notify(service, description string, attrs ...Attr) {
	r.note(note{service, "critical", description, attrs})
}

func (r *Runner) note(n note) {
	select {
	case r.notes <- n:
	default:
	}
}

// tell makes the event of a note.
func (r *Runner) tell(n note) {
	defer r.survive()
	r.engine.Notice(n.service, n.state, n.description, n.attrs...)
	r.engine.drain()
}

// Stop has Run return once it has served the batches that were sent before.
// Sources must have ended.
func (r *Runner) Stop() { r.once.Do(func() { close(r.stop) }) }

// Run runs the engine until Stop, and then serves what is queued, or until ctx
// is done. It is called once.
func (r *Runner) Run(ctx context.Context) {
	var beating sync.WaitGroup
	defer beating.Wait()
	defer r.refuseRest()
	defer close(r.done)
	r.begin()
	beating.Go(r.beat)
	sleep := time.NewTimer(time.Hour)
	defer sleep.Stop()
	chores := r.engine.now.Add(choresEvery)
	for ctx.Err() == nil {
		e := r.engine // which may be another one than before
		caughtUp := r.advance()
		served := r.serveBatches()
		if e.now >= chores {
			chores = e.now.Add(choresEvery)
			e.index.sets.dropUnused(e.now.Add(-unused))
			r.tellDropped()
		}
		r.flush(ctx)
		e = r.engine
		if collecting := r.checkpoint(); collecting || !caughtUp || served == turnBatches {
			r.serveOther()
			continue
		}
		wait := readEvery
		if next, ok := e.wheel.Next(); ok {
			wait = min(wait, next.Sub(r.read()))
		}
		sleep.Reset(max(r.checkpoints.until(wait), 0))
		select {
		case b := <-r.in:
			r.advance()
			r.serve(b)
		case call := <-r.calls:
			r.advance()
			r.call(call)
		case n := <-r.notes:
			r.advance()
			r.tell(n)
		case <-sleep.C:
		case <-ctx.Done():
		case <-r.stop:
			r.serveRest(ctx)
			return
		}
	}
}

// advance moves the clock and fires a turn's worth of what is due.
func (r *Runner) advance() (caughtUp bool) {
	now := r.read()
	if r.pauses.missed > 0 {
		r.passOver(now)
	}
	return r.advanceTo(now)
}

func (r *Runner) advanceTo(reading Time) (caughtUp bool) {
	defer r.survive()
	return r.engine.Advance(reading, turnTimers)
}

func (r *Runner) call(f func(*Engine)) {
	defer r.survive()
	f(r.engine)
}

// survive ends a panic in a stream: it costs what was in hand, and is counted,
// logged and told by an event, but one bad event must not end the program.
func (r *Runner) survive() {
	if value := recover(); value != nil {
		r.panicked.Inc()
		r.panics.add("panic on the engine's goroutine", &panicError{value, debug.Stack()}, 1)
		r.engine.panicked(value)
	}
}

// serveBatches serves what is queued, up to a turn's worth. It ends early when an
// outlet is full, or when that takes long, as the clock stands meanwhile.
func (r *Runner) serveBatches() int {
	began := time.Now()
	for n := range turnBatches {
		if r.engine.full() != nil {
			return n
		}
		select {
		case b := <-r.in:
			if r.serve(b).Sub(began) > readEvery {
				return n + 1
			}
		default:
			return n
		}
	}
	return turnBatches
}

// serveOther serves a call or a note, if there is one.
func (r *Runner) serveOther() bool {
	select {
	case call := <-r.calls:
		r.call(call)
	case n := <-r.notes:
		r.tell(n)
	default:
		return false
	}
	return true
}

// serveRest serves what is still queued.
func (r *Runner) serveRest(ctx context.Context) {
	r.advance()
	r.flush(ctx)
	for ctx.Err() == nil && r.serveBatches() > 0 {
		r.flush(ctx)
	}
	for ctx.Err() == nil && r.serveOther() {
	}
	r.tellDropped()
	r.engine.Flush()
}

// refuseRest gives back the batches that nobody serves any more.
func (r *Runner) refuseRest() {
	for {
		select {
		case b := <-r.in:
			b.input.dropped.Add(len(b.Events))
			if b.Done != nil {
				b.Done(ErrStopped)
			}
		default:
			return
		}
	}
}

// serve passes a batch through the engine, and hands it to the log. It returns when
// the batch had been through the streams.
func (r *Runner) serve(b *Batch) time.Time {
	r.pass(b)
	served := time.Now()
	r.latency.Update(served.Sub(b.received).Seconds())
	r.settle(b)
	return served
}

func (r *Runner) settle(b *Batch) {
	if b.Place != nil {
		r.reached(b)
		b.Settle(nil)
		return
	}
	if r.log == nil {
		b.Settle(nil)
		return
	}
	if len(b.Events) > 0 {
		r.engine.position++
	}
	r.log.Append(b, Served{Position: r.engine.position, Now: r.engine.now, Downtime: r.engine.downtime})
}

// pass passes a batch through the engine.
func (r *Runner) pass(b *Batch) {
	for at := 0; at < len(b.Events); {
		at = r.serveFrom(b, at)
	}
}

// serveFrom passes the events from at on through the engine, and returns where
// to go on: after a panic that is behind the event in hand.
func (r *Runner) serveFrom(b *Batch, at int) (next int) {
	defer r.survive()
	e, in := r.engine, b.input
	next = at
	e.drain() // what a panic has left
	for next < len(b.Events) {
		events := b.Events[next:min(next+touchAhead, len(b.Events))]
		touch(events)
		for i := range events {
			next++
			ev := &events[i]
			if in.TTL > 0 && ev.Has&HasTTL == 0 {
				ev.SetTTL(in.TTL)
			}
			if in.Through == nil {
				e.Ingest(ev)
			} else {
				e.IngestThrough(ev, in.Through)
			}
		}
	}
	return next
}

// touchAhead is how many events are touched before they are served.
const touchAhead = 16

// touch loads what serving the events will need, one step down for all of them
// before the next, so that the processor fetches their cache lines side by side
// instead of one after the other.
func touch(events []Event) (sum int) {
	var entries [touchAhead]*Entry
	var holds [touchAhead]*Hold
	for i := range events {
		entries[i] = events[i].ID.entry
	}
	for i := range events {
		if e := entries[i]; e != nil {
			sum += int(e.Time + e.deadline)
			holds[i] = e.holds
		}
	}
	for i := range events {
		if h := holds[i]; h != nil && h.next != nil {
			sum += int(h.next.Scope)
		}
	}
	for i := range events {
		if h := holds[i]; h != nil {
			sum += h.Holder.Touch()
		}
	}
	return sum
}
