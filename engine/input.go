package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// InputOptions are what a rules file says of any source.
type InputOptions struct {
	Name string
	// TTL is for events that bring none; 0 means the engine's.
	TTL time.Duration
	// Tags are added to every identity.
	Tags []string
	// Metrics is where the source's counters go; nil: to those of the engine.
	Metrics *metrics.Set
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
	if o.Metrics == nil {
		o.Metrics = r.set
	}
	label := fmt.Sprintf("{source=%q}", o.Name)
	in := &input{
		InputOptions: o, runner: r, ids: r.ids.tagged(o.Tags),
		events:  o.Metrics.GetOrCreateCounter("tocsin_source_events_total" + label),
		dropped: o.Metrics.GetOrCreateCounter("tocsin_source_dropped_total" + label),
	}
	in.told = in.dropped.Get()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inputs = append(r.inputs, in)
	return in
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
	if b.idle() {
		in.runner.recycle(b)
		return nil
	}
	if in.runner.hasStopped() {
		return ErrStopped
	}
	if in.put(b) {
		return nil
	}
	n, place, next := len(b.Events), b.Place, b.Next
	select {
	case in.runner.in <- b:
		in.sent(n, place, next)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-in.runner.done:
		return ErrStopped
	}
}

// put hands b to the engine if there is room.
func (in *input) put(b *Batch) bool {
	b.received = time.Now()
	n, place, next := len(b.Events), b.Place, b.Next
	select {
	case in.runner.in <- b:
		in.sent(n, place, next)
		return true
	default:
		return false
	}
}

// sent counts what was put, which belongs to the engine by now. If the engine has
// stopped meanwhile, nobody else would find it.
func (in *input) sent(n int, place *Place, next int64) {
	in.events.Add(n)
	if place != nil {
		place.taken.Store(next)
	}
	if in.runner.hasStopped() {
		in.runner.refuseRest()
	}
}

func (in *input) Notice(service, state, description string, attrs ...Attr) {
	attrs = append([]Attr{{Key: "source", Value: in.Name}}, attrs...)
	in.runner.note(note{service, state, description, attrs})
}

// recycledEvents is how large a batch may have grown to be used again.
const recycledEvents = 4 * BatchSize

func (r *Runner) recycle(b *Batch) {
	if cap(b.Events) > recycledEvents {
		return
	}
	b.Events, b.Done, b.Place, b.input = b.Events[:0], nil, nil, nil
	select {
	case r.free <- b:
	default:
	}
}
