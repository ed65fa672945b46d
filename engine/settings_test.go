package engine

import (
	"errors"
	"math"
	"testing"
	"time"
)

func TestConfigure(t *testing.T) {
	r := newRig(t, Options{})
	r.Configure(Options{})
	if r.opts.TTL != DefaultTTL || r.opts.Forget != time.Hour || r.opts.Skew != 5*time.Minute || r.opts.Identities != 2_000_000 || r.opts.AutoIndex != nil {
		t.Errorf("nothing to set, but now %+v", r.opts)
	}
	r.Configure(Options{
		TTL: 10 * time.Second, Forget: 20 * time.Second, Skew: time.Second, Identities: 2,
		AutoIndex: &pred{match: func(e *Event) bool { return e.Metric != 13 }},
	})
	r.advance(100)
	r.send("a", "time=102")
	r.send("b", "metric=13")
	r.want("the skew", "h/a @100", "h/b 13 @100")
	r.wantIndexed("a", "h/a @100")
	r.wantIndexed("b", "nothing")
	if _, err := r.ids.Intern(serviceParts("c")); !errors.Is(err, ErrTooManyIdentities) {
		t.Errorf("a third identity: %v", err)
	}
	r.advance(10)
	r.want("the ttl", "h/a expired @110")
	r.advance(19)
	r.wantIndexed("a", "h/a expired @110")
	r.advance(1)
	r.wantIndexed("a", "nothing")
	if r.ids.Len() != 0 || r.wheel.Len() != 0 {
		t.Errorf("left behind: %d identities, %d timers", r.ids.Len(), r.wheel.Len())
	}
}

func TestStartAt(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "ttl=10")
	r.send("a", "ttl=20", "k=another identity of the entry")
	r.send("for ever", "ttl=1e300")
	var fired []Time
	timers := []Timer{{Firer: fireFunc(func(now Time) { fired = append(fired, now) })}, {}}
	timers[1].Firer = timers[0].Firer
	r.wheel.Set(&timers[0], TimeOf(5))
	r.wheel.Set(&timers[1], math.MaxInt64)
	r.all.take()
	r.StartAt(0)
	r.StartAt(TimeOf(1e9))
	r.StartAt(TimeOf(2e9)) // it does not stand at 0 any more
	if r.now != TimeOf(1e9) || len(fired) != 0 {
		t.Errorf("now %v, fired %v", r.now.Seconds(), fired)
	}
	r.advance(19)
	r.want("not yet")
	r.advance(1)
	r.want("by the newest ttl", "h/a expired @1.00000002e+09 k=another identity of the entry")
	r.advance(1e6)
	r.want("nothing else")
	if len(fired) != 1 || fired[0] != TimeOf(1e9+5) || !timers[1].IsSet() {
		t.Errorf("fired at %v", fired)
	}
}

// fireFunc is a function as a Firer.
type fireFunc func(now Time)

func (f fireFunc) Fire(e *Engine, _ *Timer) { f(e.now) }
