package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runnerTest is a runner on the virtual wall clock of a bubble.
type runnerTest struct {
	*testing.T
	*Runner
	all    *recorder
	log    strings.Builder
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func testRunner(t *testing.T, f func(*runnerTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &runnerTest{T: t, all: &recorder{}}
		clock := NewWallClock(time.Now)
		e := New(Options{Logger: slog.New(slog.NewTextHandler(&r.log, nil))}, clock.Read().Now)
		e.Subscribe(nil, r.all)
		r.Runner = NewRunner(e, clock)
		f(r)
		r.Stop()
		r.wg.Wait()
	})
}

// start runs the runner; what is queued has been served when it returns.
func (r *runnerTest) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.wg.Go(func() { defer cancel(); r.Runner.Run(ctx) })
	synctest.Wait()
}

// pass lets so much of the bubble's virtual time pass. The call shows the
// engine's goroutine what the test has changed.
func (r *runnerTest) pass(d time.Duration) {
	if err := r.Do(r.Context(), func(*Engine) {}); err != nil {
		r.Error(err)
	}
	time.Sleep(d)
	synctest.Wait()
}

// batch makes a batch of events of host h with these services.
func (r *runnerTest) batch(in Input, services ...string) *Batch {
	b := in.Batch()
	for _, s := range services {
		id, err := in.Identities().Intern(serviceParts(s))
		if err != nil {
			r.Fatal(err)
		}
		b.Add(id)
	}
	return b
}

func (r *runnerTest) send(in Input, b *Batch) {
	r.Helper()
	if err := in.Send(r.Context(), b); err != nil {
		r.Error(err)
	}
}

// services are those that passed the streams since the last call.
func (r *runnerTest) services() []string {
	var out []string
	for _, e := range r.all.seen {
		out = append(out, e.ID.Service)
	}
	r.all.seen = nil
	return out
}

func (r *runnerTest) want(services ...string) {
	r.Helper()
	if got := r.services(); !slices.Equal(got, services) {
		r.Errorf("passed %q, want %q", got, services)
	}
}

func TestSendWaitsAndOfferDrops(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: `gra"phite`})
		for range queueBatches {
			r.send(in, r.batch(in, "a"))
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := in.Send(ctx, r.batch(in, "late")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			r.Errorf("got %v after %v", err, time.Since(began))
		}
		if in.Offer(r.batch(in, "x", "y")) || in.Offer(r.batch(in, "z")) {
			r.Error("there is no room, and Offer does not wait")
		}
		if !in.Offer(in.Batch()) {
			r.Error("an empty batch needs no room")
		}
		var waiting sync.WaitGroup
		waiting.Go(func() { r.send(in, r.batch(in, "waited")) })
		synctest.Wait()
		r.start()
		waiting.Wait()
		synctest.Wait()
		if got := r.services(); len(got) != queueBatches+1 || got[queueBatches] != "waited" {
			r.Errorf("%d events passed", len(got))
		}
		r.pass(choresEvery)
		if got := r.all.take(); len(got) != 1 || !strings.Contains(got[0], `/tocsin dropped critical "source gra\"phite dropped 3 events`) {
			r.Errorf("told %q", got)
		}
		r.pass(3 * choresEvery)
		r.want()
	})
}

func TestDoneIsCalledOnce(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		var done []error
		in := r.Input(InputOptions{Name: "s"})
		b := r.batch(in, "a")
		b.Done = func(err error) { done = append(done, err) }
		r.send(in, b)
		empty := in.Batch()
		empty.Done = b.Done
		r.send(in, empty)
		if len(done) != 0 {
			r.Error("called too early")
		}
		r.start()
		if !slices.Equal(done, []error{nil, nil}) {
			r.Errorf("got %v", done)
		}
		r.cancel()
		r.wg.Wait()

		late := r.batch(in, "late")
		late.Done = func(err error) { done = append(done, err) }
		if err := in.Send(r.Context(), late); err != ErrStopped || len(done) != 2 {
			r.Errorf("a batch that was refused: %v, %v", err, done)
		}
		if in.Offer(r.batch(in, "later")) {
			r.Error("nobody serves it any more")
		}
		if !in.(*input).put(late) || !slices.Equal(done[2:], []error{ErrStopped}) {
			r.Errorf("one that came in at the last moment: %v", done)
		}
		if n := in.(*input).dropped.Get(); n != 2 {
			r.Errorf("%d counted as dropped, want 2", n)
		}
	})
}

func TestQueuedBatchesAreRefusedAtTheEnd(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: "s"})
		var done []error
		b := r.batch(in, "a")
		b.Done = func(err error) { done = append(done, err) }
		r.send(in, b)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		r.Runner.Run(ctx)
		r.want()
		if !slices.Equal(done, []error{ErrStopped}) {
			r.Errorf("got %v", done)
		}
	})
}

func TestStopServesTheRest(t *testing.T) {
	for range 10 { // whatever select takes first
		testRunner(t, func(r *runnerTest) {
			in := r.Input(InputOptions{Name: "s"})
			r.start()
			r.pass(5 * time.Second)
			b := r.batch(in, "a", "b")
			var result error = errors.New("not called")
			b.Done = func(err error) { result = err }
			r.send(in, b)
			r.send(in, r.batch(in, "c"))
			r.Notify("note", "before the end")
			in.(*input).dropped.Inc()
			r.Stop()
			r.Stop()
			r.wg.Wait()
			for i := range r.all.seen {
				if got := r.all.seen[i].Time; got != Time(time.Now().UnixNano()) {
					r.Errorf("an event has the time %v, now is %v", got.Wall(), time.Now())
				}
			}
			if got := r.services(); !slices.Equal(got, []string{"a", "b", "c", "note", "tocsin dropped"}) &&
				!slices.Equal(got, []string{"note", "a", "b", "c", "tocsin dropped"}) {
				r.Errorf("served %q", got)
			}
			if result != nil {
				r.Errorf("Done got %v", result)
			}
		})
	}
}

// What comes between the last turn and the stop is served at the time of the
// stop.
func TestServeRest(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: "s", TTL: time.Second})
		r.send(in, r.batch(in, "a"))
		r.serveBatches()
		r.want("a")
		time.Sleep(1500 * time.Millisecond)
		r.send(in, r.batch(in, "b"))
		r.serveRest(r.Context())
		if at := r.all.seen[len(r.all.seen)-1].Time; at != Time(time.Now().UnixNano()) {
			r.Errorf("served at %v", at.Wall())
		}
		r.want("a", "b")
	})
}

func TestDo(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if err := r.Do(ctx, func(*Engine) { r.Error("called before Run") }); !errors.Is(err, context.DeadlineExceeded) {
			r.Errorf("got %v", err)
		}
		r.start()
		r.pass(time.Minute)
		var at Time
		if err := r.Do(r.Context(), func(e *Engine) { at = e.Now() }); err != nil || at != Time(time.Now().UnixNano()) {
			r.Errorf("%v: the clock stands at %v", err, at.Wall())
		}
		if err := r.Do(r.Context(), func(*Engine) { panic("bug") }); err == nil || !strings.Contains(err.Error(), "panic") {
			r.Errorf("got %v", err)
		}
		r.Stop()
		r.wg.Wait()
		if err := r.Do(r.Context(), func(*Engine) {}); err != ErrStopped {
			r.Errorf("got %v", err)
		}
	})
}

func TestNotify(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		for i := range 200 { // never waits
			r.Notify("tocsin sink", fmt.Sprint("note ", i), Attr{"sink", "pager"})
		}
		r.start()
		got := r.all.take()
		if len(got) != cap(r.notes) || !strings.HasPrefix(got[0], `/tocsin sink critical "note 0" @`) || !strings.HasSuffix(got[0], "[tocsin error] sink=pager") {
			r.Errorf("%d notes, the first is %q", len(got), got[0])
		}
	})
}

func TestNotice(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: "s"})
		for i := range 200 { // never waits
			in.Notice("tocsin kafka", "ok", fmt.Sprint("note ", i), Attr{"topic", "t"})
		}
		r.start()
		got := r.all.take()
		if len(got) != cap(r.notes) || !strings.HasPrefix(got[0], `/tocsin kafka ok "note 0" @`) || !strings.HasSuffix(got[0], "[tocsin error] source=s topic=t") {
			r.Errorf("%d notices, the first is %q", len(got), got[0])
		}
	})
}

func TestInputOptions(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		through := &recorder{then: func(e *Event) {
			if e.ID.Service == "drop" {
				return
			}
			renamed := *e
			renamed.ID = r.engine.ids.Loose(serviceParts("new " + e.ID.Service))
			r.engine.Ingest(&renamed)
		}}
		plain := r.Input(InputOptions{Name: "plain", TTL: 7 * time.Second, Tags: []string{"prod"}})
		renaming := r.Input(InputOptions{Name: "renaming", TTL: 8 * time.Second, Through: through})
		b := r.batch(plain, "a", "b")
		b.Events[1].SetTTL(time.Second)
		r.send(plain, b)
		r.send(renaming, r.batch(renaming, "c", "drop"))
		r.start()
		start := time.Now().Unix()
		want := []string{
			fmt.Sprintf("h/a ttl=7 @%g [prod]", float64(start)),
			fmt.Sprintf("h/b ttl=1 @%g [prod]", float64(start)),
			fmt.Sprintf("h/new c ttl=8 @%g", float64(start)),
		}
		if got := r.all.take(); !slices.Equal(got, want) {
			r.Errorf("got %q, want %q", got, want)
		}
		if len(through.seen) != 2 || through.seen[0].Has&HasTime == 0 || r.engine.index.Len() != 3 {
			r.Errorf("%d went through, %d are indexed", len(through.seen), r.engine.index.Len())
		}
	})
}

func TestBatchesAreUsedAgain(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: "s"})
		r.start()
		b := r.batch(in, "a", "b", "c")
		b.Done = func(error) {}
		r.send(in, b)
		synctest.Wait()
		again := in.Batch()
		if again != b || len(again.Events) != 0 || again.Done != nil {
			r.Errorf("got another batch, or one of %d events", len(again.Events))
		}
		if e := again.Add(b.Events[:1][0].ID); e.Has != 0 || e.Arrival != 0 {
			r.Error("an event has something of the one before")
		}
		r.send(in, in.Batch()) // an empty one goes straight back
		if in.Batch() == again {
			r.Error("a batch is in two hands")
		}
	})
}

func TestTimersFireAtTheWallTime(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		start := time.Now()
		var at []time.Duration
		r.all.then = func(e *Event) {
			if e.IsExpired() {
				at = append(at, time.Since(start))
			}
		}
		in := r.Input(InputOptions{Name: "s"})
		ttls := []time.Duration{1, 1500 * time.Microsecond, time.Second, 65 * time.Second, 26 * time.Hour}
		for i, ttl := range ttls {
			b := r.batch(in, fmt.Sprint(i))
			b.Events[0].SetTTL(ttl)
			r.send(in, b)
		}
		r.start()
		r.pass(30 * time.Hour)
		if !slices.Equal(at, ttls) {
			r.Errorf("expired after %v, want %v", at, ttls)
		}
	})
}

// TestManyExpiriesAndBatchesTakeTurns: a batch that comes while very many
// entries expire need not wait for all of them.
func TestManyExpiriesAndBatchesTakeTurns(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		in := r.Input(InputOptions{Name: "s", TTL: time.Second})
		const n = 20_000
		r.start()
		for i := 0; i < n; {
			b := in.Batch()
			for ; !b.Full() && i < n; i++ {
				id, _ := in.Identities().Intern(serviceParts(fmt.Sprint(i)))
				b.Add(id)
			}
			r.send(in, b)
		}
		synctest.Wait()
		r.all.seen = nil
		live := r.batch(in, "live")
		r.all.then = func(e *Event) {
			if len(r.all.seen) == 1 {
				in.Offer(live)
			}
		}
		r.pass(time.Second)
		at := slices.Index(r.services(), "live")
		if at < 1 || at > n/10 {
			r.Errorf("it was served behind %d expiries", at)
		}
	})
}

func TestAPanicCostsTheEventInHand(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		r.all.then = func(e *Event) {
			if e.ID.Service == "bad" || e.ID.Service == "fuse" && e.IsExpired() {
				panic("out of range")
			}
		}
		in := r.Input(InputOptions{Name: "s"})
		b := r.batch(in, "a", "bad", "b", "bad", "fuse", "c")
		b.Events[4].SetTTL(time.Second)
		var done []error
		b.Done = func(err error) { done = append(done, err) }
		r.send(in, b)
		r.start()
		r.want("a", "bad", "tocsin error", "b", "bad", "tocsin error", "fuse", "c")
		if !slices.Equal(done, []error{nil}) {
			r.Errorf("Done got %v", done)
		}
		r.pass(time.Second)
		r.want("fuse", "tocsin error")
		if n := r.panicked.Get(); n != 3 {
			r.Errorf("%d panics counted", n)
		}
		if log := r.log.String(); strings.Count(log, "panic on the engine's goroutine") != 1 || !strings.Contains(log, "runner_test.go") {
			r.Errorf("the log has no stack, or too many lines:\n%s", log)
		}
		r.all.then = func(*Event) { panic("always") } // also at the error event
		r.send(in, r.batch(in, "x"))
		synctest.Wait()
		r.all.then = nil
		r.services()
		r.send(in, r.batch(in, "y"))
		synctest.Wait()
		r.want("y")
	})
}
