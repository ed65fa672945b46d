package stream

import (
	"fmt"
	"time"

	"tocsin/engine"
)

// ticks are the ends of an operator's windows in one group: every so long from
// the making of the group, without drift. Its timer is set only while the
// operator has something to do at the next tick. It is set once at the making,
// too: when a replay moves the clock at its start, all that is set moves along,
// and so the windows begin anew.
type ticks struct {
	timer engine.Timer
	every time.Duration
	place uint64
}

// begin reserves the timer's place in the order of making.
func (t *ticks) begin(g *Group, n *node, every time.Duration, firer engine.Firer) {
	wheel := n.graph.engine.Wheel()
	t.timer.Firer, t.every, t.place = firer, every, wheel.Reserve()
	wheel.SetAs(&t.timer, g.made.Add(every), t.place)
}

// after returns the first tick after now.
func (t *ticks) after(now engine.Time) engine.Time {
	due := t.timer.Due()
	if due > now {
		return due
	}
	gone := now.Sub(due) / t.every * t.every
	return due.Add(gone).Add(t.every)
}

// arm has the timer fire at the next tick.
func (t *ticks) arm(e *engine.Engine) {
	if !t.timer.IsSet() {
		e.Wheel().SetAs(&t.timer, t.after(e.Horizon()), t.place)
	}
}

// again sets a periodic timer that has just fired.
func again(e *engine.Engine, t *engine.Timer, period time.Duration, place uint64) {
	due := t.Due().Add(period)
	if behind := e.Horizon().Sub(due); behind >= 0 {
		due = due.Add((behind/period + 1) * period)
	}
	e.Wheel().SetAs(t, due, place)
}

// drop makes what ticks are embedded in a state.
func (t *ticks) drop(e *engine.Engine) { e.Wheel().Cancel(&t.timer) }

func (t *ticks) save(w *engine.RecordWriter) {
	w.Timer(&t.timer)
	w.Uvarint(t.place)
}

// load reads what save wrote into ticks that have begun. If the windows are
// shorter now, the one in hand is, too.
func (t *ticks) load(r *engine.RecordReader, e *engine.Engine) {
	r.Timer(&t.timer, e.Wheel())
	t.place = r.Uvarint()
	last := e.Now().Add(t.every)
	if t.timer.Due() <= last {
		return
	}
	set := t.timer.IsSet()
	e.Wheel().SetAs(&t.timer, last, t.place)
	if !set {
		e.Wheel().Cancel(&t.timer)
	}
}

// makeAt gives an event the instant at which an operator makes it.
func makeAt(e *engine.Event, now engine.Time) {
	e.Arrival = now
	e.SetTime(now)
}

// life is how long an operator goes on making events without getting any: the
// ttl of the last one, which falls by dt in each interval without one.
type life struct {
	ttl     time.Duration
	renewed bool // since the last tick
}

func (l *life) renew(ttl time.Duration) { l.ttl, l.renewed = ttl, true }

func (l *life) save(w *engine.RecordWriter) {
	w.Duration(l.ttl)
	w.Bool(l.renewed)
}

func (l *life) load(r *engine.RecordReader) { l.ttl, l.renewed = r.Duration(), r.Bool() }

// tick ends an interval. It returns false when the life is over.
func (l *life) tick(dt time.Duration) bool {
	if !l.renewed {
		if l.ttl <= dt {
			return false
		}
		l.ttl -= dt
	}
	l.renewed = false
	return true
}

// addWithState is add for an operator that keeps something in its groups.
func (s *Stream) addWithState(op keeper, name string) *Stream {
	behind := s.add(op, name)
	s.graph.keep(op)
	return behind
}

// timeOr returns the event's own time, or another when it has none.
func timeOr(e *engine.Event, other engine.Time) engine.Time {
	if e.Has&engine.HasTime != 0 {
		return e.Time
	}
	return other
}

// needDT refuses a dt that is not above 0.
func needDT(name string, dt time.Duration) error {
	if dt <= 0 {
		return fmt.Errorf("%s needs a dt above 0, not %v", name, engine.InSeconds(dt))
	}
	return nil
}

// needN refuses an n below 1.
func needN(name string, n int) error {
	if n < 1 {
		return fmt.Errorf("%s needs an n of at least 1, not %d", name, n)
	}
	return nil
}

func needNAndDT(name string, n int, dt time.Duration) error {
	if err := needN(name, n); err != nil {
		return err
	}
	return needDT(name, dt)
}
