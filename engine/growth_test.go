package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// An expiry of what nobody knows must leave nothing behind: no timer would
// ever take it away.
func TestUnknownExpiriesLeaveNothing(t *testing.T) {
	r := newRig(t, Options{})
	held := r.ev("later", "state=expired") // as a list that an operator held
	r.all.then = func(e *Event) {
		renamed := *e
		renamed.ID = r.ids.Loose(serviceParts("total " + e.ID.Service))
		if r.Entry(&renamed) != nil {
			t.Error("an unknown identity got an entry by its expiry")
		}
		r.IndexOnly(&renamed)
	}
	for i := range 10 {
		r.send(fmt.Sprint("s", i), "state=expired")
	}
	r.IndexOnly(&held)
	if r.ids.Len() != 0 || r.index.Len() != 0 || r.wheel.Len() != 0 {
		t.Errorf("left behind: %d identities, %d entries, %d timers", r.ids.Len(), r.index.Len(), r.wheel.Len())
	}
}

func TestAStreamMayIndexAnUnknownExpiry(t *testing.T) {
	r := newRig(t, Options{})
	r.all.then = func(e *Event) {
		down := *e
		down.SetState("down")
		r.IndexOnly(&down)
	}
	r.send("a", "state=expired")
	r.wantIndexed("a", "h/a down @0")
}

// A flood of names from outside leaves room for what rules make of it.
func TestDerivedEventsHaveRoomOfTheirOwn(t *testing.T) {
	r := newRig(t, Options{Identities: 2 * reserve})
	for i := range 100 {
		r.send(fmt.Sprint("flood", i))
	}
	r.all.seen = nil
	r.all.then = func(e *Event) {
		if e.ID.Service == "flood1" {
			for i := range 3 {
				d := Event{ID: r.ids.Loose(serviceParts(fmt.Sprint("derived", i))), Depth: 1}
				r.Emit(d)
			}
		}
	}
	r.send("flood1")
	r.want("two of three", "h/flood1 @0", "h/derived0 @0", "h/derived1 @0")
	r.wantIndexed("derived1", "h/derived1 @0")
	if r.stats.Rejected != 100-2*reserve+1 {
		t.Errorf("%d rejected", r.stats.Rejected)
	}
}

// A flood of derived events stays bounded, is told of once, and is over when
// the queue is empty.
func TestDerivedFlood(t *testing.T) {
	r := newRig(t, Options{AutoIndex: &pred{match: func(*Event) bool { return false }}})
	const room = queueKept + 10_000
	r.room = room
	var seen int
	var told []string
	r.all.then = func(e *Event) {
		seen++
		r.all.seen = nil
		if e.ID.Service == "tocsin error" {
			told = append(told, e.Description)
		}
		if e.ID.Service != "flood" {
			return
		}
		d := Event{ID: r.ids.Loose(serviceParts("drop"))}
		d.Depth = 1
		for range room + 1000 {
			r.Emit(d)
		}
	}
	for range 2 {
		seen, told = 0, nil
		r.send("flood")
		if seen != 1+room+1 || len(told) != 1 || !strings.Contains(told[0], "derived events wait") {
			t.Errorf("%d events passed, told %q", seen, told)
		}
		if cap(r.queue) > queueKept {
			t.Errorf("a queue of %d stays allocated", cap(r.queue))
		}
	}
}

func TestQueueIsReusedWhileItIsServed(t *testing.T) {
	r := newRig(t, Options{AutoIndex: &pred{match: func(*Event) bool { return false }}})
	n := 0
	r.all.then = func(e *Event) { // each event makes the next one, some two
		r.all.seen = nil
		if n++; n < 200_000 {
			d := Event{ID: e.ID}
			r.Emit(d)
			if n%100 == 0 {
				r.Emit(d)
			}
		}
	}
	r.send("a")
	if n < 200_000 || cap(r.queue) > 16_384 {
		t.Errorf("%d events passed through a queue of %d", n, cap(r.queue))
	}
}

// Entries that expire over and over (ttl 0) must not fill the list of those
// that a set will let go.
func TestSetsOfEntriesThatExpireOften(t *testing.T) {
	r := newRig(t, Options{})
	set := func() *Set { return r.index.Set("all", nil, 30*time.Minute) }
	set()
	for i := range 10_000 {
		r.send("a", "ttl=0")
		if i%3 == 0 {
			r.advance(0.01)
		}
		if i%5 == 0 {
			r.send("b", "ttl=0")
		}
	}
	r.all.take()
	if n := len(set().leaving); n > 128 {
		t.Errorf("%d wait to leave, of 2 entries", n)
	}
	for i := range 10_000 { // all at one instant
		r.send(fmt.Sprint("b", i%50), "ttl=0")
	}
	if n := len(set().leaving); n > 256 {
		t.Errorf("%d wait to leave, of 52 entries", n)
	}
	if set().Len() != 52 {
		t.Errorf("%d members, want 52", set().Len())
	}
	r.advance(1799)
	if set().Len() != 52 {
		t.Error("left too early")
	}
	r.advance(2)
	if set().Len() != 0 {
		t.Error("left too late")
	}
}

// How long an expiry counts goes by the clock, not by its sender's.
func TestExpiryFromASlowClock(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(1e6)
	r.send("a", "time=1000", "ttl=9000", "metric=1")
	r.send("b", "ttl=1")
	short := func() *Set { return r.index.Set("short", nil, time.Minute) }
	long := func() *Set { return r.index.Set("long", nil, -1) }
	short()
	long()
	r.advance(1)
	r.send("a", "time=1001", "state=expired")
	r.wantIndexed("a", "h/a expired @1001")
	for _, at := range []struct {
		seconds     float64
		short, long int
	}{{0, 2, 2}, {59, 2, 2}, {1, 0, 2}, {3539, 0, 2}, {1, 0, 0}} {
		r.advance(at.seconds)
		if short().Len() != at.short || long().Len() != at.long {
			t.Errorf("after %v s more: %d and %d members, want %d and %d", at.seconds, short().Len(), long().Len(), at.short, at.long)
		}
	}
	r.wantIndexed("a", "nothing")

	old := r.ev("c", "state=expired") // as one that an operator has held
	old.Arrival = r.now.Add(-2 * time.Hour)
	r.send("c")
	r.IndexOnly(&old)
	r.wantIndexed("c", fmt.Sprintf("h/c expired @%g", r.now.Seconds()))
}

func TestTimesAndTTLsAtTheEnds(t *testing.T) {
	r := newRig(t, Options{})
	r.advance(1e9)
	for _, ttl := range []string{"-5", "0", "1e300", "-1e300"} {
		for _, at := range []string{"-1e300", "0", "1e300"} {
			r.send("ttl"+ttl+"time"+at, "ttl="+ttl, "time="+at, "metric=1")
		}
	}
	expired := 0
	for _, s := range r.all.take() {
		if strings.Contains(s, "expired") {
			expired++
		}
	}
	if expired != 9 {
		t.Errorf("%d expired at once, want the 9 with a ttl of 0 or less", expired)
	}
	r.advance(1e6)
	if r.index.Len() != 3 || r.wheel.Len() != 0 {
		t.Errorf("%d entries and %d timers; three live for ever", r.index.Len(), r.wheel.Len())
	}
}

// While one source floods the engine with new names, the events of another all
// pass, and what is kept stays bounded.
func TestFloodOfNames(t *testing.T) {
	e := New(Options{Identities: 2000, TTL: time.Millisecond, Forget: time.Millisecond}, Time(time.Now().UnixNano()))
	good := 0
	e.Subscribe(&pred{match: func(e *Event) bool { return e.ID.Service == "good" }}, &countedBy{&good})
	r := NewRunner(e, NewWallClock(time.Now))
	var engine, sources sync.WaitGroup
	engine.Go(func() { r.Run(t.Context()) })
	in := r.Input(InputOptions{Name: "good", TTL: time.Hour})
	known := make(chan error)
	id, _ := in.Identities().Intern(serviceParts("good"))
	first := in.Batch()
	first.Add(id)
	first.Done = func(err error) { known <- err }
	if err := errors.Join(in.Send(t.Context(), first), <-known); err != nil {
		t.Fatal(err)
	}
	names := NewNames()
	for _, source := range []string{"flood1", "flood2"} {
		in := r.Input(InputOptions{Name: source})
		sources.Go(func() {
			b := in.Batch()
			for i := range 100_000 {
				name := fmt.Sprint(source, i)
				id, err := in.Identities().Intern(serviceParts(name))
				if err != nil {
					continue
				}
				names.Add(name, id)
				b.Add(id)
				if i%97 == 0 || b.Full() {
					in.Offer(b)
					b = in.Batch()
				}
			}
		})
	}
	const n = 2000
	sources.Go(func() {
		for range n {
			if err := emit(t.Context(), in, "good"); err != nil {
				t.Error(err)
			}
		}
	})
	sources.Wait()
	r.Stop()
	engine.Wait()
	if good != n+1 {
		t.Errorf("%d of %d good events passed", good, n+1)
	}
	if e.ids.Len() > 2000 || len(names.table.Load().slots) > 16_384 {
		t.Errorf("%d identities, %d slots for names", e.ids.Len(), len(names.table.Load().slots))
	}
}

// countedBy counts events.
type countedBy struct{ n *int }

func (c *countedBy) Handle(e *Event)    { *c.n++ }
func (c *countedBy) Fail(*Event, error) {}
