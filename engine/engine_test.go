package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder is a stream that notes what passes it.
type recorder struct {
	seen  []Event
	fails []error
	then  func(*Event)
}

func (r *recorder) Handle(e *Event) {
	r.seen = append(r.seen, *e)
	if r.then != nil {
		r.then(e)
	}
}
func (r *recorder) Fail(_ *Event, err error) { r.fails = append(r.fails, err) }

// take returns what was seen since the last call, one text per event.
func (r *recorder) take() []string {
	var out []string
	for i := range r.seen {
		out = append(out, show(&r.seen[i]))
	}
	r.seen = nil
	return out
}

// show writes an event as host/service state metric @time [tags] k=v …
func show(e *Event) string {
	s := e.ID.Host + "/" + e.ID.Service
	if e.Has&HasState != 0 {
		s += " " + e.State
	}
	if e.Has&HasMetric != 0 {
		s += fmt.Sprintf(" %g", e.Metric)
	}
	if e.Has&HasDescription != 0 {
		s += fmt.Sprintf(" %q", e.Description)
	}
	if e.Has&HasTTL != 0 {
		s += fmt.Sprintf(" ttl=%g", InSeconds(e.TTL))
	}
	s += fmt.Sprintf(" @%g", e.Time.Seconds())
	if len(e.ID.Labels.Tags) > 0 {
		s += " [" + strings.Join(e.ID.Labels.Tags, " ") + "]"
	}
	for _, a := range e.ID.Labels.Attrs {
		s += " " + a.Key + "=" + a.Value
	}
	return s
}

// rig is an engine at 0 with one stream that records everything.
type rig struct {
	t *testing.T
	*Engine
	all *recorder
}

func newRig(t *testing.T, opts Options) *rig {
	r := &rig{t: t, Engine: New(opts, 0), all: &recorder{}}
	r.Subscribe(nil, r.all)
	return r
}

// ev makes an event of host h; fields are state=…, metric=…, ttl=…, time=…,
// tag=…, or an attribute.
func (r *rig) ev(service string, fields ...string) Event {
	p := Parts{}
	p.SetHost("h")
	p.SetService(service)
	var c Change
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		n, isNumber := ParseNumber(v)
		var err error
		switch {
		case k == "tag":
			p.Tags = append(p.Tags, v)
		case isNumber:
			err = c.Set(k, NumberValue(n))
		default:
			err = c.Set(k, TextValue(v))
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	c.ToParts(&p, false)
	e := Event{ID: r.ids.Loose(p)}
	c.ToEvent(&e, false)
	return e
}

func (r *rig) send(service string, fields ...string) {
	e := r.ev(service, fields...)
	r.Ingest(&e)
}

func (r *rig) advance(seconds float64) { r.Advance(r.now.Add(Seconds(seconds)), 0) }

func (r *rig) want(what string, want ...string) {
	r.t.Helper()
	if got := r.all.take(); !slices.Equal(got, want) {
		r.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func (r *rig) wantIndexed(service, want string) {
	r.t.Helper()
	got := "nothing"
	if e := r.index.Lookup("h", service); e != nil {
		got = show(e)
	}
	if got != want {
		r.t.Errorf("index holds %s, want %s", got, want)
	}
}

func TestExpiry(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(100)
	r.send("a", "metric=1", "description=d", "ttl=10", "tag=x", "k=v")
	r.want("the event", `h/a 1 "d" ttl=10 @100 [x] k=v`)
	r.advance(9.999999999)
	r.want("a moment before arrival + ttl")
	r.advance(0.000000001)
	r.want("at arrival + ttl", "h/a expired @110 [x] k=v")
	r.wantIndexed("a", "h/a expired @110 [x] k=v")
	r.advance(3599.999999999)
	r.wantIndexed("a", "h/a expired @110 [x] k=v")
	r.advance(0.000000001)
	r.wantIndexed("a", "nothing")
	r.want("forgetting makes no event")
	if r.index.Len() != 0 || r.ids.Len() != 0 || r.wheel.Len() != 0 {
		t.Errorf("left behind: %d entries, %d identities, %d timers", r.index.Len(), r.ids.Len(), r.wheel.Len())
	}
}

func TestForget(t *testing.T) {
	r := newRig(t, Options{})
	for i := range 10 {
		r.send(fmt.Sprint("s", i), fmt.Sprintf("metric=%d", i))
	}
	all := r.index.Set("all", nil, -1)
	r.all.take()
	odd := func(e *Event) bool { return int(e.Metric)%2 == 1 }
	forgotten := 0
	for below := r.index.Len(); below > 0; {
		var n int
		below, n = r.index.Forget(below, 3, odd)
		forgotten += n
	}
	if forgotten != 5 || r.index.Len() != 5 || all.Len() != 5 || r.ids.Len() != 5 {
		t.Errorf("forgot %d of 5; left: %d entries, %d in the set, %d identities", forgotten, r.index.Len(), all.Len(), r.ids.Len())
	}
	r.advance(60)
	r.want("no event tells of what was forgotten", "h/s0 expired @60", "h/s2 expired @60", "h/s4 expired @60", "h/s6 expired @60", "h/s8 expired @60")
}

func TestDefaultTTLAndRenewal(t *testing.T) {
	r := newRig(t, Options{TTL: 30 * time.Second})
	r.send("a", "metric=1")
	r.advance(20)
	r.send("a", "metric=2")
	r.advance(29)
	r.send("b", "metric=3", "ttl=1")
	r.all.take()
	r.advance(1)
	r.want("a was renewed to 50 before b was set to 50: that order", "h/a expired @50", "h/b expired @50")
	r.advance(100)
	r.want("no second expiry")
}

func TestShorterTTLBringsTheExpiryForward(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "ttl=1000")
	r.send("a", "ttl=2")
	r.all.take()
	r.advance(2)
	r.want("by the newer ttl", "h/a expired @2")
}

func TestSlowClockOfASenderDoesNotExpireAtOnce(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(1000)
	r.send("a", "time=1", "ttl=10")
	r.all.take()
	r.advance(9)
	r.want("arrival decides the ttl")
	r.advance(1)
	r.want("then it expires", "h/a expired @1010")
}

func TestOlderEvents(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(100)
	r.send("a", "time=50", "metric=1", "ttl=10")
	r.advance(5)
	r.send("a", "time=49", "metric=2", "ttl=10")
	r.wantIndexed("a", "h/a 1 ttl=10 @50")
	r.all.take()
	r.advance(5)
	r.want("the older one did not renew the ttl", "h/a expired @110")
	r.send("a", "time=49.5", "metric=3")
	r.wantIndexed("a", "h/a expired @110")
	r.send("a", "time=50", "metric=4")
	r.wantIndexed("a", "h/a 4 @50")
	r.want("both pass the streams", "h/a 3 @49.5", "h/a 4 @50")
	r.send("a", "time=50", "metric=5")
	r.wantIndexed("a", "h/a 5 @50")
}

func TestExpiredFromASource(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(100)
	r.send("unknown", "state=expired", "metric=1", "tag=t")
	r.want("an unknown identity passes", "h/unknown expired @100 [t]")
	r.wantIndexed("unknown", "nothing")

	r.send("a", "metric=1", "tag=x", "k=v")
	r.send("a", "state=expired", "time=99", "tag=late")
	r.wantIndexed("a", "h/a 1 @100 [x] k=v")
	r.all.take()
	r.send("a", "state=expired", "description=gone", "metric=2", "ttl=5")
	r.want("expires at once, with the entry's own tags and attributes", "h/a expired @100 [x] k=v")
	r.wantIndexed("a", "h/a expired @100 [x] k=v")
	r.send("a", "state=expired")
	r.want("a further one passes the streams only", "h/a expired @100 [x] k=v")
	r.advance(100)
	r.want("and there is no second expiry")
}

func TestZeroTTL(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "metric=1", "ttl=0")
	r.want("expires once the streams have seen it", "h/a 1 ttl=0 @0", "h/a expired @0")
	r.advance(1)
	r.want("once")
}

func TestFutureIsStampedWithTheClock(t *testing.T) {
	r := newRig(t, Options{Skew: 10 * time.Second})
	r.advance(100)
	r.send("a", "time=110")
	r.send("b", "time=110.5")
	r.want("within the skew and beyond", "h/a @110", "h/b @100")
}

func TestDerivedEvents(t *testing.T) {
	r := newRig(t, Options{})
	second := &recorder{}
	r.Subscribe(nil, second)
	derive := func(e *Event, service string) {
		d := r.ev(service, "metric=1")
		d.Depth = e.Depth + 1
		r.Emit(d)
	}
	r.all.then = func(e *Event) {
		switch e.ID.Service {
		case "a":
			derive(e, "b")
			derive(e, "c")
		case "loop":
			derive(e, "loop")
		}
	}
	r.send("a")
	r.want("derived ones follow in the order emitted", "h/a @0", "h/b 1 @0", "h/c 1 @0")
	r.wantIndexed("c", "h/c 1 @0")
	if got := second.take(); !slices.Equal(got, []string{"h/a @0", "h/b 1 @0", "h/c 1 @0"}) {
		t.Errorf("the event in hand goes through all streams first, got %q", got)
	}
	r.send("loop")
	got := r.all.take()
	if len(got) != 18 || !strings.Contains(got[17], "tocsin error critical") {
		t.Errorf("depth 0 to 16 pass, 17 is an error: got %d events, last %q", len(got), got[len(got)-1])
	}
}

func TestTooManyIdentities(t *testing.T) {
	r := newRig(t, Options{Identities: 3, Forget: time.Second})
	for i := range 5 {
		r.send(fmt.Sprint("s", i), "ttl=1")
	}
	r.send("s0", "metric=1", "ttl=1")
	got := r.all.take()
	if len(got) != 5 || !strings.HasPrefix(got[3], "/tocsin identities critical") || got[4] != "h/s0 1 ttl=1 @0" {
		t.Errorf("three are taken, one event tells of the rest, known ones go on; got %q", got)
	}
	r.advance(2)
	r.all.take()
	r.send("s9")
	r.want("what was forgotten made room", "h/s9 @2")
}

func TestLabelsThatChangeWithEveryEventStayBounded(t *testing.T) {
	r := newRig(t, Options{})
	for i := range 1000 {
		r.send("a", fmt.Sprintf("metric=%d", i), fmt.Sprintf("request=id%d", i))
	}
	if n := r.ids.Len(); n > variants {
		t.Errorf("%d identities of one host and service", n)
	}
	if n := len(r.ids.labels); n > variants {
		t.Errorf("%d shared labels", n)
	}
	r.wantIndexed("a", "h/a 999 @0 request=id999")
	r.advance(60)
	if e := r.index.Lookup("h", "a"); e == nil || !e.IsExpired() {
		t.Error("the entry expires once")
	}
}

func TestStartAtMovesTimersAlong(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "ttl=10")
	r.all.take()
	r.StartAt(TimeOf(1e9))
	r.advance(9)
	r.want("nothing fired on the way")
	r.advance(1)
	r.want("ten seconds after the start", "h/a expired @1.00000001e+09")
}

func TestAdvanceInTurns(t *testing.T) {
	r := newRig(t, Options{})
	for i := range 5 {
		r.send(fmt.Sprint("s", i), "ttl=1")
	}
	r.all.take()
	if r.Advance(TimeOf(10), 3) || r.Now() != 0 {
		t.Error("a turn that is used up by looking for timers fires none")
	}
	for r.Now() == 0 {
		r.Advance(TimeOf(10), 1+fireCost)
	}
	if r.Advance(TimeOf(10), fireCost) || r.Now() != TimeOf(1) {
		t.Errorf("the clock stands where the last timer fired, not at %v", r.Now().Seconds())
	}
	got := r.all.take()
	if !slices.Equal(got, []string{"h/s0 expired @1", "h/s1 expired @1"}) && !slices.Equal(got, []string{"h/s0 expired @1", "h/s1 expired @1", "h/s2 expired @1"}) {
		t.Errorf("some of five, in order: %q", got)
	}
	if !r.Advance(TimeOf(10), 10000) || r.Now() != TimeOf(10) {
		t.Error("then all, and the clock moves to the reading")
	}
}
