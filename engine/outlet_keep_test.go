package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// outletOf makes an outlet that nobody runs.
func outletOf(t testing.TB, sink Sink, queue int) *Outlet {
	t.Helper()
	o, err := NewOutlet(OutletOptions{Name: "test", Sink: sink, Queue: queue})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// loaded makes an outlet of what was kept of another.
func loadedOutlet(t testing.TB, records Records, sink Sink, queue int) *Outlet {
	t.Helper()
	o := outletOf(t, sink, queue)
	l := NewLoading(records, NewIdentities(100))
	o.Load(l)
	if l.Skipped() > 0 {
		t.Fatalf("%d records were skipped", l.Skipped())
	}
	return o
}

// saved applies a checkpoint of the outlet to the records.
func saved(o *Outlet, m RecordMap, whole bool) {
	c := &Checkpoint{Whole: whole}
	o.Save(c)
	m.Apply(c)
}

func putStates(o *Outlet, list bool, states ...string) {
	o.Put(Message{Events: stateEvents(states...), List: list})
	o.Flush()
}

func messageStates(m Message) string {
	var states []string
	for _, e := range m.Events {
		states = append(states, e.State)
	}
	return fmt.Sprint(states, m.List)
}

// TestMessagesSurvive: whenever an outlet is saved, and whatever was saved
// before, the one that is loaded holds what was not delivered, in order.
func TestMessagesSurvive(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const limit = 4
		o, m := outletOf(t, &notifyRecorder{}, limit), RecordMap{"sink\x00other\x00": "", "sink\x00test\x00zombie": ""}
		var want []string
		for i := range rapid.IntRange(1, 40).Draw(r, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(r, "step"); {
			case step < 4:
				events := stateEvents(fmt.Sprint(i), "x")[:rapid.IntRange(1, 2).Draw(r, "events")]
				message := Message{Events: events, List: len(events) > 1}
				o.Put(message)
				o.Flush()
				if len(want) < limit {
					want = append(want, messageStates(message))
				}
			case step < 7 && len(want) > 0:
				o.queue.next()
				o.settle(nil)
				want = want[1:]
			default:
				saved(o, m, step == 9)
				other := loadedOutlet(t, m, &notifyRecorder{}, limit)
				if got := heldMessages(other); !slices.Equal(got, want) {
					r.Fatalf("step %d: the outlet that was loaded holds %q, want %q", i, got, want)
				}
				if step == 8 { // the program begins anew
					o = other
				}
			}
		}
		saved(o, m, false)
		if _, ok := m["sink\x00other\x00"]; len(m)-len(want) > 1 || !ok && len(m) > len(want) {
			r.Errorf("for %d messages there are the records %q", len(want), slices.Sorted(maps.Keys(m)))
		}
	})
}

func heldMessages(o *Outlet) []string {
	var held []string
	for _, n := range o.queue.(keeper).holding() {
		held = append(held, messageStates(n.message))
	}
	return held
}

// TestWishesSurvive: the outlet that is loaded wishes again for all that was
// not delivered, and for what was as far as there is room.
func TestWishesSurvive(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		const limit = 4
		o, m := outletOf(t, &actuateRecorder{}, limit), RecordMap{}
		newest, pending := map[string]string{}, map[string]bool{}
		for i := range rapid.IntRange(1, 40).Draw(r, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(r, "step"); {
			case step < 5:
				target := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(r, "target")
				state := fmt.Sprintf("%s=%d", target, i)
				putStates(o, false, state)
				if len(pending) < limit || pending[target] {
					newest[target], pending[target] = state, true
				}
			case step < 7:
				if o.queue.next() {
					o.settle(nil)
					clear(pending)
				}
			default:
				saved(o, m, step == 9)
				other := loadedOutlet(t, m, &actuateRecorder{}, limit)
				wishes := map[string]bool{}
				for _, n := range other.queue.(*actuateQueue).waiting.list {
					wishes[n.event.State] = true
					if newest[n.target] != n.event.State {
						r.Fatalf("step %d: %s is wished again, the newest is %s", i, n.event.State, newest[n.target])
					}
				}
				for target := range pending {
					if !wishes[newest[target]] {
						r.Fatalf("step %d: %s is lost", i, newest[target])
					}
				}
				if len(wishes) != min(limit, len(newest)) || len(m) != len(wishes) {
					r.Fatalf("step %d: %v are wished again of %v, of the records %q", i, wishes, newest, m)
				}
			}
		}
	})
}

// TestSaveWritesChanges: what is as it was is not written again.
func TestSaveWritesChanges(t *testing.T) {
	for kind, o := range map[string]*Outlet{
		"notify":  outletOf(t, &notifyRecorder{}, 0),
		"actuate": outletOf(t, &actuateRecorder{}, 0),
		"forward": outletOf(t, &forwardRecorder{}, 0),
	} {
		c := &Checkpoint{}
		save := func(want int) {
			t.Helper()
			c.Reset()
			o.Save(c)
			if kind == "forward" {
				want = 0
			}
			if c.Len() != want {
				t.Errorf("%s: %d records are written, want %d", kind, c.Len(), want)
			}
		}
		for i := range 100 {
			putStates(o, false, fmt.Sprintf("t%d=1", i))
		}
		save(100)
		save(0)
		putStates(o, false, "t7=2")
		save(1)
		putStates(o, false, "t7=3")
		putStates(o, false, "t7=4")
		if kind == "notify" {
			save(2)
		} else {
			save(1)
		}
	}
}

// TestLongWithoutSave: an outlet that nobody saves any more does not remember
// each change.
func TestLongWithoutSave(t *testing.T) {
	o, m := outletOf(t, &actuateRecorder{}, 4), RecordMap{}
	saved(o, m, false)
	for i := range 100 {
		putStates(o, false, fmt.Sprintf("t%d=x", i))
		o.queue.next()
		o.settle(nil)
	}
	if n := len(o.queue.(*actuateQueue).newest.changed); n > 8 {
		t.Errorf("%d changes are remembered", n)
	}
	saved(o, m, false)
	if want := []string{"sink\x00test\x00t96", "sink\x00test\x00t97", "sink\x00test\x00t98", "sink\x00test\x00t99"}; !slices.Equal(slices.Sorted(maps.Keys(m)), want) {
		t.Errorf("got %q, want %q", m, want)
	}
}

// TestKeptIsDelivered: a message that the end of the program left is delivered
// by the next run; one whose life ended meanwhile is tried once.
func TestKeptIsDelivered(t *testing.T) {
	m := RecordMap{}
	away := &notifyRecorder{}
	away.fail = func(context.Context, int, []Event) error { return errors.New("away") }
	runOutlet(t, away, OutletOptions{Life: time.Minute}, func(t *outletTest) {
		t.put("a")
		t.pass(50 * time.Second)
		t.put("b")
		saved(t.Outlet, m, false)
		if err := t.stopWithin(time.Second); err != nil {
			t.Error(err)
		}
		saved(t.Outlet, m, false)
		t.counts(map[string]int{`dropped,reason="shutdown"`: 0})
		if !strings.Contains(t.log.String(), "kept for the next start\" events=2") {
			t.Errorf("no line about what is kept:\n%s", t.log.String())
		}
	})
	failing := &notifyRecorder{}
	failing.fail = func(_ context.Context, call int, events []Event) error {
		if call <= 2 {
			return errors.New("away")
		}
		return nil
	}
	runOutlet(t, failing, OutletOptions{Life: time.Minute, RetryMin: time.Second}, func(t *outletTest) {
		t.pass(70 * time.Second) // time begins anew; the life of a is over
		t.Load(NewLoading(m, NewIdentities(10)))
		t.put("c")
		t.pass(time.Minute)
		if want := []string{"a", "b", "b", "c"}; !slices.Equal(failing.calls, want) {
			t.Errorf("got %q, want %q", failing.calls, want)
		}
		t.counts(map[string]int{"restored": 2, "delivered": 2, `dropped,reason="expired"`: 1})
	})
}

// TestLoadOddRecords: what cannot be used is left out and counted.
func TestLoadOddRecords(t *testing.T) {
	wishes := outletOf(t, &actuateRecorder{}, 0)
	putStates(wishes, false, "a=1")
	m := RecordMap{}
	saved(wishes, m, false)
	m["sink\x00test\x00b"], m["sink\x00test\x00c"] = "", "\x01\x00\x00\x07"
	m["sink\x00test\x00d"] = "\x01\x00\x00\x00"
	o := outletOf(t, &notifyRecorder{}, 0)
	l := NewLoading(m, NewIdentities(10))
	o.Load(l)
	if held := heldMessages(o); len(held) > 0 || l.Skipped() != 4 {
		t.Errorf("the outlet holds %q, %d records were skipped, want 4", held, l.Skipped())
	}
}

// TestLoadOutlets: what is of no outlet is counted.
func TestLoadOutlets(t *testing.T) {
	from, m := outletOf(t, &notifyRecorder{}, 0), RecordMap{"sink\x00testing\x00a": "", "top": ""}
	putStates(from, false, "a")
	saved(from, m, false)
	for want, sink := range []Sink{&notifyRecorder{}, &forwardRecorder{}} {
		l := NewLoading(m, NewIdentities(10))
		LoadOutlets(l, []*Outlet{outletOf(t, sink, 0)})
		if l.Skipped() != want+1 {
			t.Errorf("for a %T, %d records were skipped, want %d", sink, l.Skipped(), want+1)
		}
	}
}

// TestLoadIntoLess: what there is no room for any more is dropped and told.
func TestLoadIntoLess(t *testing.T) {
	from, m := outletOf(t, &notifyRecorder{}, 0), RecordMap{}
	for i := range 3 {
		putStates(from, false, fmt.Sprint(i))
	}
	saved(from, m, false)
	var dead []string
	o, err := NewOutlet(OutletOptions{Name: "test", Sink: &notifyRecorder{}, Queue: 2, Dead: func(m Message, err error) {
		dead = append(dead, messageStates(m)+err.Error())
	}})
	if err != nil {
		t.Fatal(err)
	}
	o.Load(NewLoading(m, NewIdentities(10)))
	if got, want := heldMessages(o), []string{"[0] false", "[1] false"}; !slices.Equal(got, want) {
		t.Errorf("the outlet holds %q, want %q", got, want)
	}
	if len(dead) != 1 || o.metrics.dropFull.Get() != 1 || o.metrics.restored.Get() != 2 {
		t.Errorf("%q; %d dropped, %d restored", dead, o.metrics.dropFull.Get(), o.metrics.restored.Get())
	}
}

// TestHandover: the outlet that takes over delivers what is left, in order and
// before its own, and the other ends at once, without counting it as lost.
func TestHandover(t *testing.T) {
	away := &notifyRecorder{}
	away.fail = func(_ context.Context, call int, _ []Event) error {
		if call > 1 {
			return errors.New("away")
		}
		return nil
	}
	runOutlet(t, away, OutletOptions{RetryMin: time.Hour, RetryMax: time.Hour}, func(t *outletTest) {
		t.put("a", "b", "c")
		synctest.Wait()
		t.Put(Message{Events: stateEvents("d")})
		sink := &notifyRecorder{}
		next := outletOf(t, sink, 0)
		t.running.Go(func() { next.Run(t.Context()) })
		if !t.Handover(next) {
			t.Fatal("no handover")
		}
		putStates(next, false, "e")
		synctest.Wait()
		if want := []string{"b", "c", "d", "e"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		if away.closed != 1 || len(away.calls) != 2 {
			t.Errorf("the old sink was closed %d times and called for %q", away.closed, away.calls)
		}
		if err := errors.Join(t.stopWithin(time.Second), next.Stop(t.Context())); err != nil {
			t.Error(err)
		}
		m := RecordMap{}
		saved(t.Outlet, m, true)
		if len(m) > 0 {
			t.Errorf("the old outlet still saves %q", m)
		}
		t.counts(map[string]int{"delivered": 1, `dropped,reason="shutdown"`: 0})
	})
}

func TestHandoverOfWishes(t *testing.T) {
	from, to := outletOf(t, &actuateRecorder{}, 0), outletOf(t, &actuateRecorder{}, 0)
	putStates(from, false, "a=1")
	from.queue.next()
	from.settle(nil)
	putStates(from, false, "b=1")
	if !from.Handover(to) {
		t.Fatal("no handover")
	}
	to.queue.next()
	var got []string
	for _, e := range to.queue.(*actuateQueue).batch {
		got = append(got, e.State)
	}
	if want := []string{"a=1", "b=1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, other := range []Sink{&notifyRecorder{}, &forwardRecorder{}} {
		if to.Handover(outletOf(t, other, 0)) || outletOf(t, &forwardRecorder{}, 0).Handover(outletOf(t, other, 0)) {
			t.Errorf("handed over to a %T", other)
		}
	}
}

// TestDropped: what the rules do not have any more is not kept.
func TestDropped(t *testing.T) {
	away := &notifyRecorder{}
	away.fail = func(context.Context, int, []Event) error { return errors.New("away") }
	runOutlet(t, away, OutletOptions{}, func(t *outletTest) {
		t.put("a")
		m := RecordMap{}
		saved(t.Outlet, m, false)
		t.disown()
		if err := t.stopWithin(time.Second); err == nil {
			t.Error("what is lost is not told")
		}
		t.counts(map[string]int{`dropped,reason="shutdown"`: 1})
	})
}

// FuzzLoadOutlet: whatever a record says, what an outlet takes back can be
// given to its sink and kept again.
func FuzzLoadOutlet(f *testing.F) {
	for _, sink := range []Sink{&notifyRecorder{}, &actuateRecorder{}} {
		o, m := outletOf(f, sink, 0), RecordMap{}
		putStates(o, true, "a=1", "b=2")
		saved(o, m, true)
		for _, record := range m {
			f.Add(record)
		}
	}
	f.Fuzz(func(t *testing.T, record string) {
		for _, sink := range []Sink{&notifyRecorder{}, &actuateRecorder{}} {
			o, m := outletOf(t, sink, 0), RecordMap{"sink\x00test\x00x": record}
			o.Load(NewLoading(m, NewIdentities(100)))
			saved(o, m, true)
			again := loadedOutlet(t, m, sink, 0)
			if got, want := heldMessages(again), heldMessages(o); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if o.queue.next() {
				if err := o.call(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestLoadedIsKept: what was loaded is not lost when the end comes before the
// first checkpoint.
func TestLoadedIsKept(t *testing.T) {
	m := RecordMap{}
	o := outletOf(t, &notifyRecorder{}, 10)
	putStates(o, false, "a")
	saved(o, m, false)
	away := &notifyRecorder{}
	away.fail = func(context.Context, int, []Event) error { return errors.New("away") }
	runOutlet(t, away, OutletOptions{}, func(t *outletTest) {
		t.Load(NewLoading(m, NewIdentities(100)))
		if err := t.stopWithin(time.Second); err != nil {
			t.Error(err)
		}
		t.counts(map[string]int{`dropped,reason="shutdown"`: 0})
	})
}
