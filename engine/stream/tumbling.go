package stream

import (
	"fmt"
	"time"

	"tocsin/engine"
)

// FixedTime are the options of FixedTimeWindow.
type FixedTime struct {
	// Aligned has windows begin at multiples of dt, instead of at the first
	// event's time.
	Aligned bool
	// Late is for how long after its end a window still takes events.
	Late time.Duration
}

// FixedTimeWindow passes lists of the events of each dt, by the events' own
// times. A window closes, and its list is passed, when the clock or the newest
// event's time reaches its end + Late; an event for a closed one is dropped
// and counted, see Dropped. Empty windows between two events are passed as
// empty lists. An event without a time counts as of now.
func (s *Stream) FixedTimeWindow(dt time.Duration, o FixedTime) (*Stream, error) {
	if err := needDT("fixed_time_window", dt); err != nil {
		return nil, err
	}
	if o.Late < 0 {
		return nil, fmt.Errorf("fixed_time_window needs a late of at least 0, not %v", engine.InSeconds(o.Late))
	}
	return s.addWithState(&tumbling{dt: dt, FixedTime: o}, "fixed_time_window"), nil
}

// Dropped returns how many events came too late for the fixed_time_window that
// the stream is the output of. It is 0 for other streams. It is for the
// engine's goroutine.
func (s *Stream) Dropped() uint64 {
	if w, ok := s.from.(*tumbling); ok {
		return w.dropped
	}
	return 0
}

type tumbling struct {
	node
	FixedTime
	dt      time.Duration
	dropped uint64
}

// tumblingState has the windows that are yet to be passed. Windows are
// numbered: number n is from phase + n*dt on.
type tumblingState struct {
	op     *tumbling
	group  *Group
	timer  engine.Timer // at the close of the first of open
	began  bool
	phase  time.Duration
	newest engine.Time
	// next is the number of the window that is passed next, which is the
	// first of open when there is one. The last of open has events, and the
	// group is held for it.
	next int64
	open [][]engine.Event
	// spare is the array of a window that was passed, for the next one.
	spare []engine.Event
}

func (s *tumblingState) drop(e *engine.Engine) { e.Wheel().Cancel(&s.timer) }

func (s *tumblingState) save(w *engine.RecordWriter) {
	w.Duration(s.op.dt)
	w.Timer(&s.timer)
	w.Bool(s.began)
	w.Duration(s.phase)
	w.Time(s.newest)
	w.Varint(s.next)
	w.Int(len(s.open))
	for _, events := range s.open {
		w.Events(events)
	}
}

// load begins anew when windows are of another length now: there is no saying
// which would be whose.
func (w *tumbling) load(g *Group, r *engine.RecordReader) {
	s := w.makeState(g)
	if dt := r.Duration(); dt != w.dt {
		r.Fail("fixed_time_window is of %v now, not %v", w.dt, dt)
	}
	r.Timer(&s.timer, w.graph.engine.Wheel())
	s.began, s.phase, s.newest, s.next = r.Bool(), r.Duration(), r.Time(), r.Varint()
	for range r.Len() {
		s.open = append(s.open, r.Events())
	}
	if r.Err() != nil {
		return
	}
	s.check(r)
	if len(s.open) > 0 {
		g.hold()
	}
}

// check refuses windows that cannot be: the last that is open has the newest
// event, and what was passed is not in the future.
func (s *tumblingState) check(r *engine.RecordReader) {
	n := int64(len(s.open))
	switch {
	case s.phase < 0 || s.phase >= s.op.dt || s.newest < 0:
		r.Fail("fixed_time_window has an impossible phase or time")
	case n > 0 && (s.open[n-1] == nil || !s.timer.IsSet()):
		r.Fail("fixed_time_window has open windows without end")
	case n > 0 && s.next != s.numberOf(s.newest)-n+1:
		r.Fail("fixed_time_window has open windows in the future")
	case n == 0 && s.began && s.next > s.numberOf(max(s.op.now(), s.newest))+1:
		r.Fail("fixed_time_window has passed windows in the future")
	}
}

func (w *tumbling) makeState(g *Group) *tumblingState {
	s := &tumblingState{op: w, group: g}
	s.timer.Firer = s
	g.states[w.slot] = s
	return s
}

func (w *tumbling) event(g *Group, e *engine.Event) {
	s := stateOf[tumblingState](g, &w.node)
	if s == nil {
		s = w.makeState(g)
	}
	now := w.now()
	at := timeOr(e, max(now, s.newest))
	if !s.began && !w.Aligned {
		s.phase = time.Duration(floorMod(int64(at), int64(w.dt)))
	}
	n := s.numberOf(at)
	if s.closes(n) <= max(now, s.newest) || s.began && s.next-n > maxGap {
		w.dropped++
		return
	}
	if !s.began {
		s.began, s.next, s.newest = true, n, at
	}
	s.newest = max(s.newest, at)
	if len(s.open) == 0 {
		g.hold()
	}
	s.put(n, e)
	s.arm()
}

// put adds an event to its window, which is not closed. The windows before it
// that are closed now are passed first.
func (s *tumblingState) put(n int64, e *engine.Event) {
	if n-s.next > maxGap {
		s.skipTo(n)
	}
	for s.next < n && s.closes(s.next) <= max(s.op.now(), s.newest) {
		s.pass()
	}
	if n < s.next {
		// Nothing was passed yet: this window is before the first event's.
		earlier := make([][]engine.Event, s.next-n, int(s.next-n)+len(s.open))
		s.open, s.next = append(earlier, s.open...), n
	}
	for int64(len(s.open)) <= n-s.next {
		s.open = append(s.open, nil)
	}
	window := &s.open[n-s.next]
	if *window == nil {
		*window, s.spare = s.spare, nil
	}
	*window = append(*window, *e)
}

// maxGap is how many windows can lie between two events. A time that is far
// off would otherwise pass empty lists without end.
const maxGap = 100_000

// skipTo passes the windows that are open and goes on with another, far away.
func (s *tumblingState) skipTo(n int64) {
	for len(s.open) > 0 {
		s.pass()
	}
	s.op.fail(s.group, nil, fmt.Errorf("fixed_time_window: more than %d windows between two events; those without an event are left out", maxGap))
	s.next = n
}

// pass passes the next window, empty or not.
func (s *tumblingState) pass() {
	var events []engine.Event
	if len(s.open) > 0 {
		events = s.open[0]
		copy(s.open, s.open[1:])
		s.open[len(s.open)-1] = nil
		s.open = s.open[:len(s.open)-1]
	}
	s.next++
	s.op.out.list(s.group, events)
	if events != nil {
		clear(events)
		s.spare = events[:0]
	}
}

// arm sets the timer for the close of the first window that is open.
func (s *tumblingState) arm() {
	if due := s.closes(s.next); !s.timer.IsSet() || s.timer.Due() != due {
		s.op.graph.engine.Wheel().Set(&s.timer, due)
	}
}

// Fire implements engine.Firer: the clock has reached the close of a window.
func (s *tumblingState) Fire(e *engine.Engine, _ *engine.Timer) {
	s.group.change()
	for len(s.open) > 0 && s.closes(s.next) <= max(e.Now(), s.newest) {
		s.pass()
	}
	if len(s.open) > 0 {
		s.arm()
	} else {
		s.group.release()
	}
}

// numberOf returns the number of the window that a time is in.
func (s *tumblingState) numberOf(at engine.Time) int64 {
	t, dt := int64(at.Add(-s.phase)), int64(s.op.dt)
	return (t - floorMod(t, dt)) / dt
}

// closes returns when a window closes.
func (s *tumblingState) closes(n int64) engine.Time {
	return engine.Time(n * int64(s.op.dt)).Add(s.phase).Add(s.op.dt).Add(s.op.Late)
}

func floorMod(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	}
	return a % b
}
