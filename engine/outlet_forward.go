package engine

import (
	"context"
	"math"
	"time"
)

// forwardQueue holds the events of a Forwarder in order, and the batch that
// is in the sink's hands.
type forwardQueue struct {
	sink    Forwarder
	most    int // events in a batch
	waiting ring[Event]
	batch   []Event
}

func newForwardQueue(sink Forwarder, o OutletOptions) *forwardQueue {
	q := &forwardQueue{sink: sink, most: o.Batch, waiting: ring[Event]{limit: o.Queue}}
	if o.Full == Block {
		q.waiting.limit = math.MaxInt // the engine keeps to the bound
	}
	return q
}

func (q *forwardQueue) kind() string            { return "forward" }
func (q *forwardQueue) prepare([]Event, []span) {}
func (q *forwardQueue) deadline() time.Time     { return time.Time{} }
func (q *forwardQueue) len() int                { return q.waiting.len() + len(q.batch) }
func (q *forwardQueue) events() int             { return q.len() }

func (q *forwardQueue) call(ctx context.Context) error { return q.sink.Forward(ctx, q.batch) }

func (q *forwardQueue) add(events []Event, _ []span) (a added) {
	if excess := len(events) - q.waiting.limit; excess > 0 {
		a.full = excess
		events = events[excess:]
	}
	if excess := len(events) - (q.waiting.limit - q.waiting.len()); excess > 0 {
		q.waiting.drop(excess)
		a.full += excess
	}
	for i := range events {
		q.waiting.push(events[i])
	}
	return a
}

// next leaves a batch that failed as it was.
func (q *forwardQueue) next() bool {
	if len(q.batch) > 0 {
		return true
	}
	n := min(q.waiting.len(), q.most)
	for i := range n {
		q.batch = append(q.batch, *q.waiting.at(i))
	}
	q.waiting.drop(n)
	return n > 0
}

func (q *forwardQueue) finish() (int, Message) {
	n := len(q.batch)
	clear(q.batch)
	q.batch = q.batch[:0]
	return n, Message{}
}
