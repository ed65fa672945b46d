package engine

import (
	"context"
	"errors"
	"fmt"
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
)

// Runner runs one engine on the wall's clock: it takes batches from sources,
// moves the clock, and fires what is due. Its methods may be called from any
// goroutine.
type Runner struct {
	engine *Engine
	clock  Clock
	in     chan *Batch
	calls  chan func(*Engine)
	free   chan *Batch
	notes  chan note
	stop   chan struct{} // closed by Stop: no more batches come
	done   chan struct{} // closed when Run returns
	once   sync.Once

	set     *metrics.Set
	latency *metrics.Histogram

	mu     sync.Mutex
	inputs []*input
}

// NewRunner makes a runner of e, which must not be used by anyone else from
// then on.
func NewRunner(e *Engine, clock Clock) *Runner {
	r := &Runner{
		engine: e, clock: clock,
		in:    make(chan *Batch, queueBatches),
		free:  make(chan *Batch, queueBatches),
		calls: make(chan func(*Engine)),
		notes: make(chan note, 64),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
		set:   e.opts.Metrics,
	}
	r.latency = r.set.GetOrCreateHistogram("tocsin_event_latency_seconds")
	r.set.GetOrCreateGauge("tocsin_engine_queue_batches", func() float64 { return float64(len(r.in)) })
	return r
}

// InputOptions are what a rules file says of any source.
type InputOptions struct {
	Name string
	// TTL is for events that bring none; 0 means the engine's.
	TTL time.Duration
	// Tags are added to every identity.
	Tags []string
	// Through, when not nil, takes the events instead of Engine.Ingest, and
	// hands those to it that shall be indexed.
	Through Handler
}

// input is the way into the engine of one source.
type input struct {
	InputOptions
	runner  *Runner
	ids     *Identities
	events  *metrics.Counter
	dropped *metrics.Counter
	told    uint64 // of dropped; engine's goroutine only
}

// Input makes the way into the engine for one source.
func (r *Runner) Input(o InputOptions) Input {
	label := `{source="` + o.Name + `"}`
	in := &input{
		InputOptions: o, runner: r, ids: r.engine.ids.tagged(o.Tags),
		events:  r.set.GetOrCreateCounter("tocsin_source_events_total" + label),
		dropped: r.set.GetOrCreateCounter("tocsin_source_dropped_total" + label),
	}
	in.told = in.dropped.Get()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs = append(r.inputs, in)
	return in
}

// tellDropped makes an event for each source that had to drop events since the
// last one.
func (r *Runner) tellDropped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, in := range r.inputs {
		if n := in.dropped.Get(); n > in.told {
			lost := n - in.told
			in.told = n
			r.tell(note{"tocsin dropped", fmt.Sprintf("source %s dropped %d events: the engine is behind", in.Name, lost), []Attr{{Key: "source", Value: in.Name}}})
		}
	}
}

func (in *input) Identities() *Identities { return in.ids }

func (in *input) Batch() *Batch {
	select {
	case b := <-in.runner.free:
		b.input = in
		return b
	default:
		return &Batch{input: in}
	}
}

func (in *input) Send(ctx context.Context, b *Batch) error {
	if len(b.Events) == 0 && b.Done == nil {
		in.runner.recycle(b)
		return nil
	}
	b.received = time.Now()
	n := len(b.Events)
	select {
	case in.runner.in <- b:
		in.events.Add(n)
		return nil
	default:
	}
	select {
	case in.runner.in <- b:
		in.events.Add(n)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-in.runner.done:
		return ErrStopped
	}
}

func (in *input) Offer(b *Batch) bool {
	if len(b.Events) == 0 && b.Done == nil {
		in.runner.recycle(b)
		return true
	}
	b.received = time.Now()
	n := len(b.Events)
	select {
	case in.runner.in <- b:
		in.events.Add(n)
		return true
	default:
		in.dropped.Add(n)
		in.runner.recycle(b)
		return false
	}
}

func (r *Runner) recycle(b *Batch) {
	b.Events, b.Done, b.input = b.Events[:0], nil, nil
	select {
	case r.free <- b:
	default:
	}
}

// Do calls f on the engine's goroutine and waits for it. f must be quick: it
// holds up all events.
func (r *Runner) Do(ctx context.Context, f func(*Engine)) error {
	ready := make(chan struct{})
	call := func(e *Engine) { f(e); close(ready) }
	select {
	case r.calls <- call:
		<-ready
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.done:
		return ErrStopped
	}
}

// note is trouble that other goroutines tell the engine of.
type note struct {
	service, description string
	attrs                []Attr
}

// Notify makes an event that tells of trouble of Tocsin's own, such as a page
// that could not be delivered. It does not block: when too many come at once,
// some are lost, so what is told must be counted elsewhere, too.
func (r *Runner) Notify(service, description string, attrs ...Attr) {
	select {
	case r.notes <- note{service, description, attrs}:
	default:
	}
}

// tell makes the event of a note.
func (r *Runner) tell(n note) {
	r.engine.notice(n.service, n.description, n.attrs...)
	r.engine.drain()
}

// Stop has Run return once it has served the batches that were sent before.
// Sources must have ended.
func (r *Runner) Stop() { r.once.Do(func() { close(r.stop) }) }

// Run runs the engine until Stop, and then serves what is queued, or until ctx
// is done. It is called once.
func (r *Runner) Run(ctx context.Context) {
	defer close(r.done)
	e := r.engine
	sleep := time.NewTimer(time.Hour)
	defer sleep.Stop()
	chores := e.now.Add(choresEvery)
	for ctx.Err() == nil {
		caughtUp := e.Advance(r.clock.Read(), turnTimers)
		served := r.serveBatches()
		if e.now >= chores {
			chores = e.now.Add(choresEvery)
			e.index.sets.dropUnused(e.now.Add(-unused))
			r.tellDropped()
		}
		e.Flush()
		if !caughtUp || served == turnBatches {
			r.serveCall()
			continue
		}
		wait := choresEvery
		if next, ok := e.wheel.Next(); ok {
			wait = min(wait, next.Sub(r.clock.Read()))
		}
		sleep.Reset(max(wait, 0))
		select {
		case b := <-r.in:
			e.Advance(r.clock.Read(), turnTimers)
			r.serve(b)
		case call := <-r.calls:
			e.Advance(r.clock.Read(), turnTimers)
			call(e)
		case n := <-r.notes:
			e.Advance(r.clock.Read(), turnTimers)
			r.tell(n)
		case <-sleep.C:
		case <-ctx.Done():
		case <-r.stop:
			r.serveRest(ctx)
			return
		}
	}
	r.refuseRest()
}

// serveBatches serves what is queued, up to a turn's worth.
func (r *Runner) serveBatches() int {
	for n := range turnBatches {
		select {
		case b := <-r.in:
			r.serve(b)
		default:
			return n
		}
	}
	return turnBatches
}

func (r *Runner) serveCall() {
	select {
	case call := <-r.calls:
		call(r.engine)
	case n := <-r.notes:
		r.tell(n)
	default:
	}
}

// serveRest serves the batches that are still queued.
func (r *Runner) serveRest(ctx context.Context) {
	for ctx.Err() == nil && r.serveBatches() > 0 {
	}
	r.engine.Flush()
	r.refuseRest()
}

func (r *Runner) refuseRest() {
	for {
		select {
		case b := <-r.in:
			if b.Done != nil {
				b.Done(ErrStopped)
			}
		default:
			return
		}
	}
}

// serve passes a batch through the engine.
func (r *Runner) serve(b *Batch) {
	e, in := r.engine, b.input
	for at := 0; at < len(b.Events); at += touchAhead {
		events := b.Events[at:min(at+touchAhead, len(b.Events))]
		touch(events)
		for i := range events {
			ev := &events[i]
			if in.TTL > 0 && ev.Has&HasTTL == 0 {
				ev.SetTTL(in.TTL)
			}
			if in.Through == nil {
				e.Ingest(ev)
			} else {
				e.arrive(ev)
				in.Through.Handle(ev)
				e.drain()
			}
		}
	}
	r.latency.Update(time.Since(b.received).Seconds())
	if b.Done != nil {
		b.Done(nil)
	}
	r.recycle(b)
}

// touchAhead is how many events are touched before they are served.
const touchAhead = 16

// touch loads what serving the events will need, one step down for all of them
// before the next, so that the processor fetches their cache lines side by side
// instead of one after the other.
func touch(events []Event) (sum Time) {
	var entries [touchAhead]*Entry
	for i := range events {
		entries[i] = events[i].ID.entry
	}
	for i := range events {
		if e := entries[i]; e != nil {
			sum += e.Time + e.deadline
		}
	}
	return sum
}
