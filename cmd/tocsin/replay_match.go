package main

import (
	"bytes"
	"slices"
	"time"
)

// difference is what one configuration would do and the other would not. before
// is of the first configuration, after of the second; one may be nil.
type difference struct {
	before, after *act
}

// kind names a difference; "" means that there is none.
func (d *difference) kind() string {
	switch {
	case d.before == nil:
		return "new"
	case d.after == nil:
		return "gone"
	case d.after.at < d.before.at:
		return "earlier"
	case d.after.at > d.before.at:
		return "later"
	case !bytes.Equal(d.before.message, d.after.message):
		return "changed"
	}
	return ""
}

// maxWaiting bounds how many acts wait for one like them. Beyond it the oldest
// is taken to have none.
const maxWaiting = 100_000

// actMatcher finds the acts that both configurations would do: for each key, the
// first that is left of one with the first that is left of the other, if they
// are no further apart than within.
type actMatcher struct {
	within  time.Duration
	report  func(*difference) // in the order of the earlier act of each
	waiting map[string][]*waitingAct
	order   []*waitingAct // all whose turn to be reported has not come
	open    int           // of order: those that wait or differ
}

// waitingAct is the earlier act of a difference.
type waitingAct struct {
	difference
	first *act
	side  int
	alone bool // it waits no more: the other side has no such sink
	pair  bool // it waits no more: both acts are there
}

func newActMatcher(within time.Duration, report func(*difference)) *actMatcher {
	return &actMatcher{within: within, report: report, waiting: make(map[string][]*waitingAct)}
}

// compare takes the acts of both sides, which come by time, until both end.
func (m *actMatcher) compare(before, after <-chan []act) {
	sides := [2]<-chan []act{before, after}
	var left [2][]act
	for {
		next := -1
		for i, side := range sides {
			if len(left[i]) == 0 {
				left[i] = <-side // nil when it has ended
			}
			if len(left[i]) > 0 && (next < 0 || left[i][0].at < left[next][0].at) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		m.take(next, &left[next][0])
		left[next] = left[next][1:]
	}
}

func (m *actMatcher) take(side int, a *act) {
	for len(m.order) > 0 && m.settled(m.order[0], a) {
		m.pop()
	}
	if like := m.waiting[a.key]; len(like) > 0 && like[0].side != side {
		w := like[0]
		m.forget(w)
		w.pair = true
		w.set(side, a)
		if w.kind() == "" {
			m.open--
			m.compact()
		}
		return
	}
	w := &waitingAct{first: a, side: side, alone: !a.sink.both}
	w.set(side, a)
	m.order = append(m.order, w)
	m.open++
	if !w.alone {
		m.waiting[a.key] = append(m.waiting[a.key], w)
	}
}

func (d *difference) set(side int, a *act) {
	if side == 0 {
		d.before = a
	} else {
		d.after = a
	}
}

// settled reports whether w waits no more when a comes.
func (m *actMatcher) settled(w *waitingAct, a *act) bool {
	return w.alone || w.pair || a.at.Sub(w.first.at) > m.within || m.open > maxWaiting
}

// pop reports the first in order.
func (m *actMatcher) pop() {
	w := m.order[0]
	m.order = m.order[1:]
	if !w.alone && !w.pair {
		m.forget(w)
	}
	if w.kind() != "" {
		m.open--
	}
	m.report(&w.difference)
}

// forget takes w, which is the first of its key, out of those that wait.
func (m *actMatcher) forget(w *waitingAct) {
	if rest := m.waiting[w.first.key][1:]; len(rest) > 0 {
		m.waiting[w.first.key] = rest
	} else {
		delete(m.waiting, w.first.key)
	}
}

// compact lets go of acts that are the same, when most are. Usually one that
// waits holds many of them up.
func (m *actMatcher) compact() {
	if len(m.order) < 1024 || len(m.order) < 2*m.open {
		return
	}
	m.order = slices.DeleteFunc(m.order, func(w *waitingAct) bool {
		same := w.pair && w.kind() == ""
		if same {
			m.report(&w.difference)
		}
		return same
	})
}

// end reports what is left.
func (m *actMatcher) end() {
	for len(m.order) > 0 {
		m.pop()
	}
}
