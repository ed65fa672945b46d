package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// roomTest is a runner all of whose events go to one outlet, which runs.
type roomTest struct {
	*runnerTest
	outlet  *Outlet
	in      Input
	metrics *metrics.Set
}

func testRoom(t *testing.T, sink Sink, o OutletOptions, f func(*roomTest)) {
	t.Helper()
	testRunner(t, func(r *runnerTest) {
		room := &roomTest{runnerTest: r, metrics: metrics.NewSet()}
		o.Name, o.Sink, o.Metrics = "test", sink, room.metrics
		var err error
		if room.outlet, err = NewOutlet(o); err != nil {
			t.Fatal(err)
		}
		r.engine.AddOutput(room.outlet)
		r.engine.Subscribe(nil, &recorder{then: func(e *Event) {
			if strings.HasPrefix(e.ID.Service, "s") && !e.IsExpired() {
				room.outlet.PutEvent(e)
			}
		}})
		room.in = r.Input(InputOptions{Name: "in"})
		ctx, cancel := context.WithCancel(context.Background())
		r.wg.Go(func() { room.outlet.Run(ctx) })
		f(room)
		r.Stop()
		synctest.Wait()
		cancel()
	})
}

// sendNumbers sends so many batches of as many events each, which are numbered on.
func (r *roomTest) sendNumbers(batches, each int) {
	for n := range batches {
		b := r.in.Batch()
		for i := range each {
			id, err := r.in.Identities().Intern(serviceParts(fmt.Sprint("s", i)))
			if err != nil {
				r.Error(err)
			}
			b.Add(id).SetState(fmt.Sprintf("%d,", n*each+i+1))
		}
		if err := r.in.Send(context.Background(), b); err != nil {
			r.Error(err)
		}
	}
}

// queued is what the outlet holds.
func (r *roomTest) queued() int {
	r.outlet.mu.Lock()
	defer r.outlet.mu.Unlock()
	return r.outlet.queue.len()
}

func (r *roomTest) wantNoneDropped() {
	r.Helper()
	if in, out := r.counter("events"), r.counter("delivered"); in != out {
		r.Errorf("%d of %d events were delivered", out, in)
	}
	if r.counter("blocked") == 0 {
		r.Error("nobody had to wait")
	}
}

func (r *roomTest) counter(name string) uint64 {
	return r.metrics.GetOrCreateCounter(fmt.Sprintf(`tocsin_sink_%s_total{sink="test"}`, name)).Get()
}

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d,", i+1)
	}
	return b.String()
}

// TestFullSinkHoldsTheEngineUp: nothing is served and no time passes then but for
// calls; an event tells; nothing is lost, and nothing has expired meanwhile.
func TestFullSinkHoldsTheEngineUp(t *testing.T) {
	sink := &forwardRecorder{}
	testRoom(t, sink, OutletOptions{Queue: 20, Batch: 5, Full: Block}, func(r *roomTest) {
		answer := make(chan error)
		sink.fail = func(context.Context, int, []Event) error { return <-answer }
		r.start()
		r.wg.Go(func() { r.sendNumbers(30, 10) })
		r.pass(time.Minute)
		if n := r.queued(); n != 20 {
			r.Errorf("%d events in a queue for 20, and the engine waits", n)
		}
		stands := Time(time.Now().UnixNano()).Add(-time.Minute)
		if err := r.Do(r.Context(), func(e *Engine) {
			if e.Now() != stands {
				r.Errorf("%v passed", e.Now().Sub(stands))
			}
		}); err != nil {
			r.Error(err)
		}
		for range 50 {
			synctest.Wait()
			if n := r.queued(); n > 20+10 {
				r.Errorf("%d events in a queue for 20, and batches of 10", n)
			}
			answer <- nil
		}
		close(answer)
		r.pass(0)
		if got := strings.ReplaceAll(strings.Join(sink.calls, ""), " ", ""); got != numbers(300) {
			r.Errorf("got %s", got)
		}
		r.wantNoneDropped()
		var told []string
		for _, e := range r.all.seen {
			if e.IsExpired() {
				r.Errorf("%s has expired", e.ID.Service)
			}
			if e.ID.Service == "tocsin sink" {
				told = append(told, e.State+": "+e.Description)
			}
		}
		if want := []string{
			"critical: sink test is full and holds everything up: no rule runs until it delivers",
			"ok: sink test has room again",
		}; !slices.Equal(told, want) {
			r.Errorf("told %q, want %q", told, want)
		}
	})
}

// TestYield: a full sink that yields takes all that comes, and holds the engine up
// again when it does no longer.
func TestYield(t *testing.T) {
	sink := &forwardRecorder{}
	testRoom(t, sink, OutletOptions{Queue: 20, Batch: 5, Full: Block}, func(r *roomTest) {
		answer := make(chan error)
		sink.fail = func(context.Context, int, []Event) error { return <-answer }
		r.start()
		r.sendNumbers(10, 10)
		r.pass(0)
		if n := r.queued(); n != 20 {
			r.Errorf("%d events in a queue for 20", n)
		}
		r.outlet.Yield(true)
		r.pass(0)
		if n := r.queued(); n != 100 {
			r.Errorf("%d events, want all 100", n)
		}
		r.outlet.Yield(false)
		r.sendNumbers(10, 10)
		for range 17 {
			r.pass(0)
			if n := r.queued(); n > 110 {
				r.Errorf("%d events while it does not yield", n)
			}
			answer <- nil
		}
		r.pass(0)
		close(answer)
		synctest.Wait()
		r.wantNoneDropped()
	})
}

// moodyTransactor fails as often as it is told to.
type moodyTransactor struct {
	transactRecorder
	fail int
	most int // events in a transaction
}

func (s *moodyTransactor) Transact(ctx context.Context, mark string, events []Event) error {
	if s.fail--; s.fail >= 0 {
		return errors.New("no broker answers")
	}
	s.most = max(s.most, len(events))
	return s.transactRecorder.Transact(ctx, mark, events)
}

// TestTransactBlocks: a transact outlet that is full waits for a checkpoint, which
// the engine that waits for it makes. So all comes through a queue that is much
// smaller than what comes between two checkpoints, whatever fails meanwhile.
func TestTransactBlocks(t *testing.T) {
	const batches, each, queue = 200, 10, 25
	for name, c := range map[string]struct {
		store mapStore
		sink  moodyTransactor
		most  time.Duration
	}{
		"all is well":         {mapStore{}, moodyTransactor{}, 0},
		"commits fail":        {mapStore{fail: 3}, moodyTransactor{}, time.Hour},
		"a commit hangs":      {mapStore{slow: 10 * time.Minute}, moodyTransactor{}, 10 * time.Minute},
		"brokers are away":    {mapStore{}, moodyTransactor{fail: 20}, 20 * 30 * time.Second},
		"everything is wrong": {mapStore{fail: 2, slow: time.Minute}, moodyTransactor{fail: 5}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			store, sink := &c.store, &c.sink
			store.records = RecordMap{}
			testRoom(t, sink, OutletOptions{Queue: queue, Full: Block}, func(r *roomTest) {
				r.engine.Track()
				// Half an hour after one comes the next: too late for this.
				r.SetCheckpoints(CheckpointOptions{Store: store, Every: 30 * time.Minute, Save: r.outlet.Save})
				r.start()
				began := time.Now()
				r.sendNumbers(batches, each)
				for r.counter("delivered") <= batches*each-queue {
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					if n := r.queued(); n >= queue+each {
						r.Fatalf("%d events in a queue for %d", n, queue)
					}
				}
				if took := time.Since(began); took > c.most+time.Second {
					r.Errorf("it took %v, want at most %v", took, c.most)
				}
				if sink.most >= queue+each {
					r.Errorf("%d events in a transaction", sink.most)
				}
				r.pass(time.Hour)
				if got := strings.Join(sink.calls, ""); got != numbers(batches*each) {
					r.Errorf("got %s", got)
				}
				r.wantNoneDropped()
			})
		})
	}
}

// TestTransactBlocksAtTheEnd: what is queued for the engine when it is to end goes
// through a small queue, too.
func TestTransactBlocksAtTheEnd(t *testing.T) {
	sink, store := &moodyTransactor{}, &mapStore{records: RecordMap{}}
	testRoom(t, sink, OutletOptions{Queue: 25, Full: Block}, func(r *roomTest) {
		r.engine.Track()
		r.SetCheckpoints(CheckpointOptions{Store: store, Every: time.Hour, Save: r.outlet.Save})
		r.sendNumbers(200, 10)
		r.Stop()
		r.start()
		synctest.Wait()
		if !r.hasStopped() {
			r.Fatal("the engine has not stopped")
		}
		if err := r.LastCheckpoint(); err != nil {
			r.Error(err)
		}
		synctest.Wait()
		if got := strings.Join(sink.calls, ""); got != numbers(2000) {
			r.Errorf("got %s", got)
		}
		r.wantNoneDropped()
	})
}

// TestTransactBlocksReplay: so does what a log has kept.
func TestTransactBlocksReplay(t *testing.T) {
	sink, store := &moodyTransactor{}, &mapStore{records: RecordMap{}}
	testRoom(t, sink, OutletOptions{Queue: 25, Full: Block}, func(r *roomTest) {
		r.engine.Track()
		r.SetCheckpoints(CheckpointOptions{Store: store, Every: time.Hour, Save: r.outlet.Save})
		r.sendNumbers(100, 10)
		for n := range 100 {
			b := <-r.Runner.in
			r.Replay(r.Context(), Logged{Served: Served{Position: uint64(n + 1)}, Source: "in", Events: b.Events})
		}
		r.start()
		r.pass(2 * time.Hour)
		if got := strings.Join(sink.calls, ""); got != numbers(1000) {
			r.Errorf("got %s", got)
		}
		r.wantNoneDropped()
	})
}
