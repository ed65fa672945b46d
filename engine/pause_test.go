package engine

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPauses: what lives has as much of its ttl left after a pause of any kind as
// before, and the pause is told.
func TestPauses(t *testing.T) {
	for _, test := range []struct {
		name  string
		pause func(s *scripted)
		told  string
	}{
		{"set ahead", func(s *scripted) { s.set(3 * time.Hour) }, "3h0m0s do not count: the clock went ahead: it was set, or the machine slept"},
		{"stopped", func(s *scripted) { s.pass(5 * time.Minute) }, "5m0s do not count: the program stood still"},
		{"set back", func(s *scripted) { s.set(-time.Hour) }, "the clock was set back by 1h0m0s: time goes a tenth slower until it has caught up"},
	} {
		var log strings.Builder
		g := newRig(t, Options{TTL: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		s, c := newScripted()
		r := NewRunner(g.Engine, c)
		r.advance()
		g.send("a")
		g.all.take()
		s.run(c, 8*time.Second)
		r.advance()
		test.pause(s)
		r.advance()
		if got := g.all.take(); len(got) != 1 || !strings.Contains(got[0], `/tocsin clock warning "`+test.told+`"`) || !strings.Contains(log.String(), test.told) {
			t.Errorf("%s: told %q, logged %q", test.name, got, log.String())
		}
		s.run(c, 1900*time.Millisecond)
		if r.advance(); len(g.all.take()) > 0 {
			t.Errorf("%s: expired too early", test.name)
		}
		s.run(c, 500*time.Millisecond)
		if r.advance(); len(g.all.take()) != 1 {
			t.Errorf("%s: has not expired in time", test.name)
		}
	}
}

// TestWhatWasDueBeforeAPause fires as it would have without one.
func TestWhatWasDueBeforeAPause(t *testing.T) {
	g := newRig(t, Options{TTL: 10 * time.Second})
	s, c := newScripted()
	r := NewRunner(g.Engine, c)
	r.advance()
	g.send("early", "ttl=1")
	g.send("late")
	g.all.take()
	start := g.Now()
	s.run(c, 2*time.Second)
	s.set(time.Hour)
	r.advance()
	if got := g.all.seen; len(got) != 2 || got[0].ID.Service != "early" || got[0].Time != start.Add(time.Second) {
		t.Errorf("passed %q", g.all.take())
	}
	if r.pauses.count.Get() != 1 || r.pauses.seconds.Get() != 3600 {
		t.Errorf("counted %d pauses of %v s", r.pauses.count.Get(), r.pauses.seconds.Get())
	}
}

// TestPanicInAPause: the rest of what was due in the pause fires as in one.
func TestPanicInAPause(t *testing.T) {
	g := newRig(t, Options{TTL: 10 * time.Second})
	s, c := newScripted()
	r := NewRunner(g.Engine, c)
	r.advance()
	var fired []string
	bad := &every{period: time.Second, fire: func() { fired = append(fired, "bad"); panic("unlucky") }}
	good := &every{period: 2 * time.Second, fire: func() { fired = append(fired, "good") }}
	bad.set(g.Engine)
	good.set(g.Engine)
	s.set(time.Hour)
	r.advance()
	if !slices.Equal(fired, []string{"bad", "good"}) {
		t.Errorf("fired %q", fired)
	}
	if g.Now() != s.wall || g.resuming != 0 || len(g.downtimes) != 1 || g.downtime != time.Hour {
		t.Errorf("at %v, resuming %v, down %v", g.Now(), g.resuming, g.downtimes)
	}
}

// every is a periodic timer.
type every struct {
	timer  Timer
	period time.Duration
	fire   func()
}

func (p *every) set(e *Engine) {
	p.timer.Firer = p
	e.Wheel().Set(&p.timer, e.Now().Add(p.period))
}

func (p *every) Fire(e *Engine, t *Timer) {
	e.Wheel().Set(t, e.Horizon().Add(p.period))
	p.fire()
}

// TestHeldUp: an engine that a call holds up for a minute lets nothing expire for
// it, and goes on to do so.
func TestHeldUp(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		r.start()
		in := r.Input(InputOptions{Name: "s", TTL: 20 * time.Second})
		r.send(in, r.batch(in, "a"))
		r.pass(5 * time.Second)
		r.want("a")
		if err := r.Do(r.Context(), func(*Engine) { time.Sleep(time.Minute) }); err != nil {
			r.Error(err)
		}
		r.pass(time.Second)
		r.want("tocsin clock")
		if !strings.Contains(r.log.String(), "50s do not count: the engine was held up") {
			r.Errorf("logged %s", r.log.String())
		}
		r.pass(3 * time.Second)
		r.want()
		r.pass(2 * time.Second)
		r.want("a")
	})
}

// TestManySlowBatches: an engine that has much to do is not held up, as it goes on.
func TestManySlowBatches(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		r.all.then = func(*Event) { time.Sleep(400 * time.Millisecond) }
		in := r.Input(InputOptions{Name: "s"})
		for range 60 {
			r.send(in, r.batch(in, "a"))
		}
		began := time.Now()
		r.start()
		r.pass(30 * time.Second)
		if n := r.pauses.count.Get(); n > 0 || len(r.all.seen) != 60 {
			r.Errorf("%d pauses, %d events", n, len(r.all.seen))
		}
		if last := r.all.seen[59].Arrival; last < Time(began.Add(22*time.Second).UnixNano()) {
			r.Errorf("the clock stood at %v", last.Wall())
		}
	})
}

// TestSleepIsNoPause: an engine that has nothing to do for an hour is not held up.
func TestSleepIsNoPause(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		r.start()
		r.pass(time.Hour)
		r.want()
	})
}

// TestLateStartIsNoPause: nothing is told of the time between the making of the
// clock and the start.
func TestLateStartIsNoPause(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		time.Sleep(time.Hour)
		r.start()
		r.pass(time.Second)
		r.want()
		if got := r.log.String(); got != "" {
			r.Errorf("logged %s", got)
		}
	})
}
