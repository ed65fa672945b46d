package engine

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// Timer is a place in the wheel. It is part of what it wakes, so setting one
// allocates nothing. A Timer with a Firer is ready to be set. It must not be
// copied while it is set.
type Timer struct {
	// Firer is called when the timer is due.
	Firer Firer

	next, prev *Timer // in the slot's ring; itself when among the due; nil when not set
	due        Time
	seq        uint64
}

// Firer is what a timer wakes, on the engine's goroutine.
type Firer interface {
	// Fire is called once for each time that the timer was set, with the
	// clock standing at the timer's due time. It may set the timer again.
	Fire(e *Engine, t *Timer)
}

// Waiter is a Firer that waits for what may come meanwhile. Resume puts its timer
// off, as nothing could come.
type Waiter interface {
	Firer
	// PutOff is called before the timer is put off.
	PutOff()
}

// IsSet reports whether the timer is waiting.
func (t *Timer) IsSet() bool { return t.next != nil }

// Due returns when the timer fires, or was last to fire.
func (t *Timer) Due() Time { return t.due }

// The wheel has 8 levels of 64 slots. A tick of the lowest level is 2^20 ns
// (about 1 ms); a slot of each higher level is as long as all of the level
// below it. Together they reach further than Time does.
const (
	tickBits   = 20
	levelBits  = 6
	levelSlots = 1 << levelBits
	levels     = 8
)

// Wheel holds the timers of one engine. Setting, moving and cancelling are
// O(1); timers come out in the order of (due time, order set), also within a
// tick.
type Wheel struct {
	cur   int64 // tick: all slots before it are empty
	seq   uint64
	size  int
	used  [levels]uint64 // a bit per slot that may not be empty
	slots [levels][levelSlots]Timer
	due   []dueTimer // the timers of tick cur, sorted, from at on; t is nil where cancelled
	at    int
	// collecting is set while due is not complete, and so not sorted: a slot
	// with very many timers is opened in several turns.
	collecting bool
	half       int // the level above 0 whose slot at cur is half open, or 0
}

// dueTimer repeats the timer's order, so that sorting stays in one array.
type dueTimer struct {
	due Time
	seq uint64
	t   *Timer
}

func compareDue(a, b dueTimer) int {
	if c := cmp.Compare(a.due, b.due); c != 0 {
		return c
	}
	return cmp.Compare(a.seq, b.seq)
}

// NewWheel returns an empty wheel that stands at now.
func NewWheel(now Time) *Wheel {
	w := &Wheel{cur: int64(now) >> tickBits}
	for l := range w.slots {
		for s := range w.slots[l] {
			head := &w.slots[l][s]
			head.next, head.prev = head, head
		}
	}
	return w
}

// Len returns how many timers are set.
func (w *Wheel) Len() int { return w.size }

// Reserve returns the next place in the order of setting, for SetAs.
func (w *Wheel) Reserve() uint64 { w.seq++; return w.seq }

// Set sets t to fire at due, behind all that were set to that time before.
// A timer that is set already is moved.
func (w *Wheel) Set(t *Timer, due Time) { w.SetAs(t, due, w.Reserve()) }

// SetAs is Set with a place in the order of setting that was reserved before:
// a periodic timer keeps the place of its making.
func (w *Wheel) SetAs(t *Timer, due Time, seq uint64) {
	w.Cancel(t)
	t.due, t.seq = due, seq
	w.size++
	w.link(t)
}

// Cancel unsets t. It does nothing when t is not set.
func (w *Wheel) Cancel(t *Timer) {
	if t.next == nil {
		return
	}
	w.size--
	if t.next != t {
		t.prev.next, t.next.prev = t.next, t.prev
	} else {
		rest, i := w.due[w.at:], 0
		if !w.collecting {
			i, _ = slices.BinarySearchFunc(rest, dueTimer{t.due, t.seq, t}, compareDue)
		}
		for rest[i].t != t {
			i++ // not sorted yet, or two timers share a reserved place
		}
		rest[i].t = nil
	}
	t.next, t.prev = nil, nil
}

func (w *Wheel) link(t *Timer) {
	tick := max(int64(t.due)>>tickBits, w.cur)
	if tick == w.cur && !w.collecting && w.at < len(w.due) {
		d := dueTimer{t.due, t.seq, t}
		i, _ := slices.BinarySearchFunc(w.due[w.at:], d, compareDue)
		w.due = slices.Insert(w.due, w.at+i, d)
		t.next, t.prev = t, t
		return
	}
	level := 0
	if differs := uint64(tick ^ w.cur); differs != 0 {
		level = (bits.Len64(differs) - 1) / levelBits
	}
	slot := int(tick>>(levelBits*level)) & (levelSlots - 1)
	head := &w.slots[level][slot]
	t.prev, t.next = head.prev, head
	t.prev.next, head.prev = t, t
	w.used[level] |= 1 << slot
}

// Pop unsets and returns the next timer that is due at limit or before, or nil.
func (w *Wheel) Pop(limit Time) *Timer {
	budget := math.MaxInt
	return w.pop(limit, &budget)
}

// pop is Pop that moves at most budget timers within the wheel, and takes what
// it moved off budget. When that is used up, there may be more to give.
func (w *Wheel) pop(limit Time, budget *int) *Timer {
	for *budget > 0 {
		if !w.collecting && w.half == 0 {
			for w.at < len(w.due) {
				d := w.due[w.at]
				if d.t != nil && d.due > limit {
					return nil
				}
				w.at++
				if d.t != nil {
					w.size--
					d.t.next, d.t.prev = nil, nil
					return d.t
				}
			}
			w.due, w.at = w.due[:0], 0
		}
		if w.half > 0 {
			w.open(w.half, int(w.cur>>(levelBits*w.half))&(levelSlots-1), budget)
			continue
		}
		level, slot, tick, ok := w.nextSlot()
		if last := int64(limit) >> tickBits; !ok || tick > last {
			w.collected()
			if len(w.due) == 0 {
				w.cur = max(w.cur, last)
				return nil
			}
			continue
		}
		if w.collecting && (level > 0 || tick != w.cur) {
			w.collected()
			continue
		}
		w.cur = tick
		w.open(level, slot, budget)
	}
	return nil
}

// collected ends the collecting of the timers of one tick.
func (w *Wheel) collected() {
	if w.collecting {
		w.collecting = false
		slices.SortFunc(w.due, compareDue)
	}
}

// nextSlot finds the first slot in use, and the first tick that it covers.
func (w *Wheel) nextSlot() (level, slot int, tick int64, ok bool) {
	for level = range levels {
		shift := levelBits * level
		at := int(w.cur>>shift) & (levelSlots - 1)
		later := w.used[level] & (^uint64(0) << at)
		for later != 0 {
			slot = bits.TrailingZeros64(later)
			head := &w.slots[level][slot]
			if head.next != head {
				group := w.cur >> shift &^ (levelSlots - 1)
				return level, slot, max((group|int64(slot))<<shift, w.cur), true
			}
			later &^= 1 << slot
			w.used[level] &^= 1 << slot
		}
	}
	return 0, 0, 0, false
}

// open empties a slot that cur has reached, as far as the budget goes: one of
// the lowest level into due, one of a higher level into the levels below.
func (w *Wheel) open(level, slot int, budget *int) {
	head := &w.slots[level][slot]
	w.collecting, w.half = w.collecting || level == 0, level
	for head.next != head && *budget > 0 {
		*budget--
		t := head.next
		head.next, t.next.prev = t.next, head
		if level == 0 {
			w.due = append(w.due, dueTimer{t.due, t.seq, t})
			t.next, t.prev = t, t
		} else {
			w.link(t)
		}
	}
	if head.next == head {
		w.half = 0
	}
}

// Next returns a time at which Pop may have a timer to give, and never one
// later than that; ok is false when no timer is set.
func (w *Wheel) Next() (t Time, ok bool) {
	if w.collecting || w.half > 0 {
		return Time(w.cur << tickBits), true
	}
	for _, d := range w.due[w.at:] {
		if d.t != nil {
			return d.due, true
		}
	}
	_, _, tick, ok := w.nextSlot()
	return Time(tick << tickBits), ok
}

// Shift moves every timer by d, keeping their order: for a replay whose first
// event sets the clock.
func (w *Wheel) Shift(d Time) {
	var all []dueTimer
	w.each(func(t *Timer) { all = append(all, dueTimer{t.due, t.seq, t}) })
	for _, e := range all {
		w.Cancel(e.t)
	}
	w.cur = max(w.cur, w.cur+int64(d)>>tickBits)
	for _, e := range all {
		w.SetAs(e.t, e.due.Add(time.Duration(d)), e.seq)
	}
}

// putOff moves the timers of every Waiter by d, keeping their order.
func (w *Wheel) putOff(d time.Duration) {
	var waiting []*Timer
	w.each(func(t *Timer) {
		if waiter, ok := t.Firer.(Waiter); ok {
			waiter.PutOff()
			waiting = append(waiting, t)
		}
	})
	for _, t := range waiting {
		w.SetAs(t, t.due.Add(d), t.seq)
	}
}

// each calls f for every timer, in no order. f must not set or cancel any.
func (w *Wheel) each(f func(*Timer)) {
	w.collected()
	for _, e := range w.due[w.at:] {
		if e.t != nil {
			f(e.t)
		}
	}
	for l := range w.slots {
		for s := range w.slots[l] {
			head := &w.slots[l][s]
			for t := head.next; t != head; t = t.next {
				f(t)
			}
		}
	}
}
