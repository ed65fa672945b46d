package engine

import (
	"context"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// actuateQueue holds one wish for each target: those in the sink's hands, and
// those that came since. A wish that failed gives way to a newer one.
type actuateQueue struct {
	sink  Actuator
	limit int // on targets

	superseded *metrics.Counter // wishes that gave way to newer ones

	waiting wishes
	taken   wishes
	targets int // distinct ones in waiting and taken
	newest  newestWishes
	batch   []Event  // what call hands over
	names   []string // of the pending events' targets; the engine's goroutine only
}

// wishes are in the order in which each target was first wished for.
type wishes struct {
	place map[string]int // of a target in list
	list  []wish
}

type wish struct {
	target string
	event  Event
}

func (w *wishes) set(target string, e *Event) (replaced bool) {
	if i, ok := w.place[target]; ok {
		w.list[i].event = *e
		return true
	}
	w.place[target] = len(w.list)
	w.list = append(w.list, wish{target, *e})
	return false
}

func (w *wishes) has(target string) bool {
	_, ok := w.place[target]
	return ok
}

func (w *wishes) clear() {
	clear(w.place)
	clear(w.list)
	w.list = w.list[:0]
}

func newActuateQueue(sink Actuator, o OutletOptions, superseded *metrics.Counter) *actuateQueue {
	return &actuateQueue{
		sink: sink, limit: o.Queue, superseded: superseded,
		waiting: wishes{place: map[string]int{}},
		taken:   wishes{place: map[string]int{}},
		newest:  newestWishes{wishes: map[string]*newestWish{}, targets: ring[string]{limit: o.Queue}},
	}
}

func (q *actuateQueue) kind() string        { return "actuate" }
func (q *actuateQueue) deadline() time.Time { return time.Time{} }
func (q *actuateQueue) len() int            { return q.targets }
func (q *actuateQueue) events() int         { return len(q.waiting.list) + len(q.taken.list) }

func (q *actuateQueue) call(ctx context.Context) error { return q.sink.Actuate(ctx, q.batch) }

// prepare asks the sink for the targets. A panic of the sink counts as none.
func (q *actuateQueue) prepare(events []Event, _ []span) {
	q.names = q.names[:0]
	for i := range events {
		name := ""
		_ = guard(func() error {
			name = q.sink.Target(&events[i])
			return nil
		})
		q.names = append(q.names, name)
	}
}

func (q *actuateQueue) add(events []Event, _ []span) (a added) {
	for i := range events {
		name := q.names[i]
		switch known := q.pending(name); {
		case name == "":
			a.aimless++
			continue
		case !known && q.targets >= q.limit:
			a.full++
			continue
		case !known:
			q.targets++
		}
		if q.waiting.set(name, &events[i]) {
			q.superseded.Inc()
		}
		q.newest.set(name, &events[i], q.pending)
	}
	return a
}

// pending tells whether a wish for the target has not been delivered.
func (q *actuateQueue) pending(target string) bool {
	return q.waiting.has(target) || q.taken.has(target)
}

// next merges what has come since a failure into what failed.
func (q *actuateQueue) next() bool {
	if len(q.taken.list) == 0 {
		q.taken, q.waiting = q.waiting, q.taken
	}
	for i := range q.waiting.list {
		if q.taken.set(q.waiting.list[i].target, &q.waiting.list[i].event) {
			q.superseded.Inc()
		}
	}
	q.waiting.clear()
	clear(q.batch)
	q.batch = q.batch[:0]
	for i := range q.taken.list {
		q.batch = append(q.batch, q.taken.list[i].event)
	}
	return len(q.batch) > 0
}

func (q *actuateQueue) finish() (int, Message) {
	n := len(q.taken.list)
	q.taken.clear()
	q.targets = len(q.waiting.list)
	return n, Message{}
}
