package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// notifyQueue holds the messages of a Notifier in order. The one in the sink's
// hands stays at the front until it is finished, so that what is in the queue
// is at any time what has not been delivered.
type notifyQueue struct {
	sink    Notifier
	life    time.Duration
	waiting ring[notice]
	total   int    // events in waiting
	current notice // a copy of the front, for call
	number  uint64 // of the last message
	kept    keptMessages
}

// The bound on the events of all waiting messages, lists being of any length.
const notifyEvents = 65_536

// notice is a message that waits.
type notice struct {
	message Message
	until   time.Time // when its life is over; zero: never
	number  uint64    // in the order of waiting, from 1
}

var _ keeper = (*notifyQueue)(nil)

func newNotifyQueue(sink Notifier, o OutletOptions) *notifyQueue {
	return &notifyQueue{sink: sink, life: o.Life, waiting: ring[notice]{limit: o.Queue}}
}

func (q *notifyQueue) kind() string            { return "notify" }
func (q *notifyQueue) prepare([]Event, []span) {}
func (q *notifyQueue) deadline() time.Time     { return q.current.until }
func (q *notifyQueue) len() int                { return q.waiting.len() }
func (q *notifyQueue) events() int             { return q.total }

func (q *notifyQueue) call(ctx context.Context) error {
	return q.sink.Notify(ctx, q.current.message)
}

func (q *notifyQueue) add(events []Event, spans []span) (a added) {
	until := time.Now().Add(q.life)
	from := 0
	for _, s := range spans {
		m := Message{Events: slices.Clone(events[from:s.end]), List: s.list}
		from = s.end
		q.push(&a, m, until)
	}
	return a
}

// push queues a message, or notes that there is no room.
func (q *notifyQueue) push(a *added, m Message, until time.Time) {
	if q.waiting.full() || q.total > 0 && q.total+len(m.Events) > notifyEvents {
		a.full += len(m.Events)
		a.dead = append(a.dead, m)
		return
	}
	q.total += len(m.Events)
	q.number++
	q.waiting.push(notice{m, until, q.number})
}

func (q *notifyQueue) next() bool {
	if q.waiting.len() == 0 {
		return false
	}
	q.current = *q.waiting.at(0)
	return true
}

func (q *notifyQueue) finish() (int, Message) {
	m := q.current.message
	q.current = notice{}
	q.waiting.drop(1)
	q.total -= len(m.Events)
	return len(m.Events), m
}

// keptMessages is what a checkpoint has of a notify queue: the messages from
// one number up to another.
type keptMessages struct {
	from, to uint64
	any      bool // there was a checkpoint
}

// save follows the queue: what is gone from its front is removed, and what is
// new at its end is put.
func (q *notifyQueue) save(c *Checkpoint, prefix string) {
	key := func(number uint64) string { return fmt.Sprintf("%s%016x", prefix, number) }
	if !q.kept.any {
		c.Drop(prefix) // what another run has left
	}
	front := q.number + 1
	if q.waiting.len() > 0 {
		front = q.waiting.at(0).number
	}
	for number := q.kept.from; number < min(front, q.kept.to); number++ {
		c.Remove(key(number))
	}
	for i := range q.waiting.len() {
		if n := q.waiting.at(i); n.number >= q.kept.to || c.Whole {
			c.Put(key(n.number), func(w *RecordWriter) { writeNotice(w, messageRecord, n) })
		}
	}
	q.kept = keptMessages{front, q.number + 1, true}
}

func (q *notifyQueue) holding() []notice {
	held := make([]notice, q.waiting.len())
	for i := range held {
		held[i] = *q.waiting.at(i)
	}
	return held
}

func (q *notifyQueue) restore(held []notice) (a added) {
	latest := time.Now().Add(q.life) // the wall's clock may have been wrong
	for _, n := range held {
		if n.until.After(latest) {
			n.until = latest
		}
		q.push(&a, n.message, n.until)
	}
	return a
}
