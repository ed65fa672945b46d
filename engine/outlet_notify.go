package engine

import (
	"context"
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
}

// The bound on the events of all waiting messages, lists being of any length.
const notifyEvents = 65_536

type notice struct {
	message Message
	until   time.Time
}

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

func (q *notifyQueue) add(events []Event, spans []span) added {
	a := added{taken: len(events)}
	until := time.Now().Add(q.life)
	from := 0
	for _, s := range spans {
		m := Message{Events: slices.Clone(events[from:s.end]), List: s.list}
		from = s.end
		if q.waiting.full() || q.total > 0 && q.total+len(m.Events) > notifyEvents {
			a.full += len(m.Events)
			a.dead = append(a.dead, m)
			continue
		}
		q.total += len(m.Events)
		q.waiting.push(notice{m, until})
	}
	return a
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
