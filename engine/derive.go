package engine

import "fmt"

// MaxDepth is how often events may be derived from one another.
const MaxDepth = 16

// queued is a derived event, or one of Tocsin's own, that waits for its turn.
type queued struct {
	event   Event
	failure bool // it tells of an error
}

// Emit takes an event that a rule derived: once the event in hand has been
// through all streams, it is indexed and goes through them itself. Its depth
// says how often it was derived.
func (e *Engine) Emit(ev Event) {
	if e.opts.Bare {
		return
	}
	if ev.Depth > MaxDepth {
		e.Fail(&ev, fmt.Errorf("an event was derived more than %d times from another; does a rule emit what it reads?", MaxDepth))
		return
	}
	e.stats.Derived++
	ev.Arrival = e.now
	if ev.Has&HasTime == 0 {
		ev.SetTime(e.now)
	}
	e.enqueue(queued{ev, false})
}

// maxQueued bounds what waits for its turn. Rules that make many events of each
// one, over and over, would otherwise fill the memory within MaxDepth rounds.
const maxQueued = 1 << 20

// enqueue has an event wait until the one in hand has been through the streams.
func (e *Engine) enqueue(q queued) {
	if len(e.queue)-e.at >= e.room {
		e.stats.Errors++
		if e.flooded {
			return
		}
		e.flooded = true
		q = queued{e.ErrorEvent(nil, fmt.Errorf("more than %d derived events wait; further ones are dropped", e.room)), true}
	}
	if e.at > 1024 && e.at > len(e.queue)/2 {
		left := copy(e.queue, e.queue[e.at:])
		clear(e.queue[left:])
		e.queue, e.at = e.queue[:left], 0
	}
	e.queue = append(e.queue, q)
}

// drain serves what was emitted, in order, until nothing more comes.
func (e *Engine) drain() {
	for e.at < len(e.queue) {
		q := e.queue[e.at]
		e.queue[e.at] = queued{}
		e.at++
		e.failing = q.failure
		e.take(&q.event, false)
		e.failing = false
	}
	e.queue, e.at, e.flooded = e.queue[:0], 0, false
	if cap(e.queue) > queueKept {
		e.queue = nil
	}
}

// queueKept is how much of the queue stays allocated when it is empty.
const queueKept = 1 << 16
