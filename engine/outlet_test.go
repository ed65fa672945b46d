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

	"github.com/VictoriaMetrics/metrics"
)

// sinkRecorder is the part that the test sinks share: it notes each call, with its
// time since the start, and answers with what fail says.
type sinkRecorder struct {
	mu     sync.Mutex
	start  time.Time
	calls  []string
	at     []time.Duration
	closed int
	fail   func(ctx context.Context, call int, events []Event) error
}

func (r *sinkRecorder) Open(context.Context) error { return nil }
func (r *sinkRecorder) Close() error               { r.closed++; return nil }

func (r *sinkRecorder) record(ctx context.Context, events []Event) error {
	r.mu.Lock()
	var names []string
	for i := range events {
		names = append(names, events[i].State)
	}
	r.calls = append(r.calls, strings.Join(names, " "))
	r.at = append(r.at, time.Since(r.start))
	n := len(r.calls)
	r.mu.Unlock()
	if r.fail != nil {
		return r.fail(ctx, n, events)
	}
	return nil
}

type notifyRecorder struct{ sinkRecorder }

func (r *notifyRecorder) Notify(ctx context.Context, m Message) error { return r.record(ctx, m.Events) }

type forwardRecorder struct{ sinkRecorder }

func (r *forwardRecorder) Forward(ctx context.Context, events []Event) error {
	return r.record(ctx, events)
}

// actuateRecorder takes the text before "=" in the state as the target.
type actuateRecorder struct{ sinkRecorder }

func (r *actuateRecorder) Target(e *Event) string {
	if e.State == "panic" {
		panic("no target")
	}
	target, _, _ := strings.Cut(e.State, "=")
	return target
}

func (r *actuateRecorder) Actuate(ctx context.Context, wishes []Event) error {
	return r.record(ctx, wishes)
}

// outletTest runs one outlet in a bubble of virtual time.
type outletTest struct {
	*testing.T
	*Outlet
	metrics *metrics.Set
	log     strings.Builder
	dead    []string
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (t *outletTest) put(states ...string) {
	t.Helper()
	for _, s := range states {
		t.Put(Message{Events: stateEvents(s)})
	}
	t.Flush()
}

// pass lets so much of the bubble's virtual time pass.
func (t *outletTest) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (t *outletTest) stopWithin(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return t.Stop(ctx)
}

// len is what is queued, the sink's hands included.
func (t *outletTest) len() int {
	t.Outlet.mu.Lock()
	defer t.Outlet.mu.Unlock()
	return t.queue.len()
}

// counts checks counters, given as "delivered" or `dropped,reason="full"`.
func (t *outletTest) counts(want map[string]int) {
	t.Helper()
	for name, n := range want {
		name, label, _ := strings.Cut(name, ",")
		if label != "" {
			label = "," + label
		}
		full := fmt.Sprintf(`tocsin_sink_%s_total{sink="test"%s}`, name, label)
		if got := t.metrics.GetOrCreateCounter(full).Get(); got != uint64(n) {
			t.Errorf("%s is %d, want %d", full, got, n)
		}
	}
}

func stateEvents(states ...string) []Event {
	events := make([]Event, len(states))
	for i, s := range states {
		events[i] = Event{ID: &Identity{Labels: &Labels{}}}
		events[i].SetState(s)
	}
	return events
}

func runOutlet(t *testing.T, sink Sink, o OutletOptions, f func(*outletTest)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ot := &outletTest{T: t, metrics: metrics.NewSet()}
		o.Name, o.Sink, o.Metrics = "test", sink, ot.metrics
		o.Logger = slog.New(slog.NewTextHandler(&ot.log, nil))
		o.Dead = func(m Message, err error) { ot.dead = append(ot.dead, m.Events[0].State+": "+err.Error()) }
		var err error
		if ot.Outlet, err = NewOutlet(o); err != nil {
			t.Fatal(err)
		}
		if err := ot.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		var ctx context.Context
		ctx, ot.cancel = context.WithCancel(context.Background())
		ot.running.Go(func() { ot.Outlet.Run(ctx) })
		f(ot)
		ot.cancel()
		ot.running.Wait()
	})
}

func TestNewOutlet(t *testing.T) {
	type both struct {
		notifyRecorder
		forwarder
	}
	for name, c := range map[string]struct {
		options OutletOptions
		want    string
	}{
		"no name":    {OutletOptions{Sink: &notifyRecorder{}}, "without a name"},
		"no kind":    {OutletOptions{Name: "x", Sink: &sinkRecorder{}}, "not exactly one"},
		"two kinds":  {OutletOptions{Name: "x", Sink: &both{}}, "not exactly one"},
		"bad policy": {OutletOptions{Name: "x", Sink: &notifyRecorder{}, Full: "spill"}, `"spill"`},
		"bad queue":  {OutletOptions{Name: "x", Sink: &notifyRecorder{}, Queue: -1}, "least value"},
	} {
		if _, err := NewOutlet(c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	for kind, sink := range map[string]Sink{"notify": &notifyRecorder{}, "actuate": &actuateRecorder{}, "forward": &forwardRecorder{}} {
		o, err := NewOutlet(OutletOptions{Name: kind, Sink: sink})
		if err != nil || o.Kind() != kind || o.Name() != kind {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// forwarder makes a notifier one of two kinds.
type forwarder struct{}

func (forwarder) Forward(context.Context, []Event) error { return nil }

func TestOutletCopies(t *testing.T) {
	sink := &notifyRecorder{}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		events := stateEvents("a", "b")
		t.Put(Message{Events: events, List: true})
		t.PutEvent(&events[0])
		events[0].SetState("changed")
		t.Flush()
		synctest.Wait()
		if want := []string{"a b", "a"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		t.counts(map[string]int{"events": 3, "delivered": 3})
	})
	if sink.closed != 1 {
		t.Errorf("closed %d times", sink.closed)
	}
}

func TestNotifyRetries(t *testing.T) {
	sink := &notifyRecorder{}
	sink.fail = func(_ context.Context, call int, _ []Event) error {
		if call <= 4 {
			return errors.New("far end is away")
		}
		return nil
	}
	runOutlet(t, sink, OutletOptions{RetryMin: time.Second, RetryMax: 4 * time.Second}, func(t *outletTest) {
		sink.start = time.Now()
		t.put("a", "b")
		t.pass(20 * time.Second)
		if want := []string{"a", "a", "a", "a", "a", "b"}; !slices.Equal(sink.calls, want) {
			t.Fatalf("got %q, want %q", sink.calls, want)
		}
		for i, most := range []time.Duration{1, 2, 4, 4} {
			most *= time.Second
			if d := sink.at[i+1] - sink.at[i]; d < most/2 || d > most {
				t.Errorf("retry %d came after %v, want %v to %v", i+1, d, most/2, most)
			}
		}
		t.counts(map[string]int{"delivered": 2, "retries": 4, "errors": 4})
		log := t.log.String()
		if n := strings.Count(log, "will retry"); n != 1 {
			t.Errorf("%d lines about failures within 10 s:\n%s", n, log)
		}
		if !strings.Contains(log, `"sink delivers again" errors=4`) {
			t.Errorf("no line about the end:\n%s", log)
		}
	})
}

func TestNotifyGivesUp(t *testing.T) {
	sink := &notifyRecorder{}
	sink.fail = func(_ context.Context, _ int, events []Event) error {
		switch events[0].State {
		case "malformed":
			return fmt.Errorf("status 400: %w", Permanent(errors.New("refused")))
		case "unlucky":
			return errors.New("status 500")
		}
		return nil
	}
	runOutlet(t, sink, OutletOptions{Life: 10 * time.Minute}, func(t *outletTest) {
		sink.start = time.Now()
		t.put("malformed", "unlucky", "last")
		t.pass(time.Hour)
		if want := []string{"malformed: status 400: refused", "unlucky: status 500"}; !slices.Equal(t.dead, want) {
			t.Errorf("dead: %q, want %q", t.dead, want)
		}
		// The one behind is late by no fault of its own, and is tried.
		if n := len(sink.calls); sink.calls[n-1] != "last" || sink.at[n-1] != 10*time.Minute {
			t.Errorf("the last call is %q at %v", sink.calls[n-1], sink.at[n-1])
		}
		t.counts(map[string]int{"delivered": 1, `dropped,reason="permanent"`: 1, `dropped,reason="expired"`: 1})
		if n := strings.Count(t.log.String(), "\n"); n > 65 {
			t.Errorf("%d lines in 10 minutes", n)
		}
	})
}

func TestNotifyQueueFull(t *testing.T) {
	sink := &notifyRecorder{}
	sink.fail = func(ctx context.Context, _ int, _ []Event) error { <-ctx.Done(); return ctx.Err() }
	runOutlet(t, sink, OutletOptions{Queue: 2, Timeout: time.Minute}, func(t *outletTest) {
		t.put("a", "b", "c", "d")
		if want := []string{"c: " + ErrQueueFull.Error(), "d: " + ErrQueueFull.Error()}; !slices.Equal(t.dead, want) {
			t.Errorf("dead: %q", t.dead)
		}
		t.Put(Message{Events: make([]Event, 10), List: true})
		t.counts(map[string]int{"events": 4, `dropped,reason="full"`: 2})
	})
}

func TestNotifyBoundsEventsOfLists(t *testing.T) {
	q := newNotifyQueue(&notifyRecorder{}, OutletOptions{Queue: 100, Life: time.Hour})
	big := make([]Event, notifyEvents+1)
	a := q.add(big, []span{{len(big), true}})
	b := q.add(big[:1], []span{{1, false}})
	if a.full != 0 || b.full != 1 || q.len() != 1 || q.events() != len(big) {
		t.Errorf("first %d dropped, second %d, %d messages, %d events", a.full, b.full, q.len(), q.events())
	}
}

func TestRetryAfter(t *testing.T) {
	sink := &notifyRecorder{}
	sink.fail = func(_ context.Context, call int, _ []Event) error {
		return []error{RetryAfter(errors.New("429"), 2*time.Minute), RetryAfter(errors.New("429"), 24*time.Hour), nil}[call-1]
	}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		sink.start = time.Now()
		t.put("a")
		t.pass(time.Hour)
		if want := []time.Duration{0, 2 * time.Minute, 17 * time.Minute}; !slices.Equal(sink.at, want) {
			t.Errorf("called at %v, want %v", sink.at, want)
		}
	})
}

func TestActuateNewestWins(t *testing.T) {
	sink := &actuateRecorder{}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		started, answer := make(chan bool), make(chan error)
		sink.fail = func(context.Context, int, []Event) error { started <- true; return <-answer }
		t.put("a=1", "b=1", "a=2")
		<-started
		t.put("b=2", "c=1", "c=2") // while a and b are in the sink's hands
		answer <- errors.New("away")
		<-started
		t.put("a=3")
		answer <- nil
		<-started
		answer <- nil
		synctest.Wait()
		if want := []string{"a=2 b=1", "a=2 b=2 c=2", "a=3"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		t.counts(map[string]int{"events": 7, "delivered": 4, "superseded": 3})
	})
}

func TestActuateBoundsTargets(t *testing.T) {
	sink := &actuateRecorder{}
	runOutlet(t, sink, OutletOptions{Queue: 2}, func(t *outletTest) {
		answer := make(chan error)
		sink.fail = func(context.Context, int, []Event) error { return <-answer }
		t.put("a=1", "b=1")
		synctest.Wait()
		t.put("a=2", "c=1", "b=2", "", "panic")
		t.counts(map[string]int{`dropped,reason="full"`: 1, `dropped,reason="target"`: 2})
		answer <- nil
		answer <- nil
		synctest.Wait()
		if want := []string{"a=1 b=1", "a=2 b=2"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		t.put("d=1")
		answer <- Permanent(errors.New("no such pixel"))
		synctest.Wait()
		t.counts(map[string]int{"events": 8, "delivered": 4, `dropped,reason="permanent"`: 1})
	})
}

func TestForwardBatches(t *testing.T) {
	sink := &forwardRecorder{}
	runOutlet(t, sink, OutletOptions{Batch: 3}, func(t *outletTest) {
		answer := make(chan error)
		sink.fail = func(context.Context, int, []Event) error { return <-answer }
		t.put("1")
		synctest.Wait()
		t.Put(Message{Events: stateEvents("2", "3"), List: true})
		t.put("4", "5")
		for _, err := range []error{errors.New("disk full"), nil, nil, nil} {
			answer <- err
		}
		synctest.Wait()
		if want := []string{"1", "1", "2 3 4", "5"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		t.counts(map[string]int{"events": 5, "delivered": 5, "retries": 1})
	})
}

func TestForwardDropsOldest(t *testing.T) {
	sink := &forwardRecorder{}
	runOutlet(t, sink, OutletOptions{Queue: 3}, func(t *outletTest) {
		answer := make(chan error)
		sink.fail = func(context.Context, int, []Event) error { return <-answer }
		t.put("1")
		synctest.Wait()
		t.put("2", "3")
		t.put("4", "5")
		answer <- nil
		synctest.Wait()
		t.put("6", "7", "8", "9")
		answer <- nil
		answer <- nil
		synctest.Wait()
		if want := []string{"1", "3 4 5", "7 8 9"}; !slices.Equal(sink.calls, want) {
			t.Errorf("got %q, want %q", sink.calls, want)
		}
		t.counts(map[string]int{"events": 9, "delivered": 7, `dropped,reason="full"`: 2})
	})
}

func TestCallTimeout(t *testing.T) {
	sink := &forwardRecorder{}
	sink.fail = func(ctx context.Context, call int, _ []Event) error {
		if call > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		sink.start = time.Now()
		t.put("1")
		t.pass(time.Minute)
		if len(sink.at) != 2 || sink.at[1] < 30*time.Second || sink.at[1] > 31*time.Second {
			t.Errorf("called at %v", sink.at)
		}
	})
}

func TestPanicIsAnError(t *testing.T) {
	sink := &forwardRecorder{}
	sink.fail = func(_ context.Context, call int, _ []Event) error {
		if call == 1 {
			panic("index out of range")
		}
		return nil
	}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		t.put("1")
		t.pass(time.Second)
		t.counts(map[string]int{"delivered": 1, "panics": 1, "errors": 1, "retries": 1})
		if log := t.log.String(); !strings.Contains(log, "panic: index out of range") || !strings.Contains(log, "outlet_test.go") {
			t.Errorf("the log does not tell where:\n%s", log)
		}
	})
}

type reopenRecorder struct {
	forwardRecorder
	reopened int
}

func (r *reopenRecorder) Reopen() error { r.reopened++; return nil }

func TestReopen(t *testing.T) {
	sink := &reopenRecorder{}
	sink.fail = func(context.Context, int, []Event) error {
		if sink.reopened < 2 {
			return errors.New("file is gone")
		}
		return nil
	}
	runOutlet(t, sink, OutletOptions{RetryMin: time.Hour, RetryMax: time.Hour}, func(t *outletTest) {
		sink.start = time.Now()
		t.Reopen() // while idle
		synctest.Wait()
		t.put("1")
		synctest.Wait()
		t.Reopen() // while it waits to retry
		synctest.Wait()
		if sink.reopened != 2 || len(sink.at) != 2 || sink.at[1] != 0 {
			t.Errorf("reopened %d times, called at %v", sink.reopened, sink.at)
		}
	})
}

func TestRing(t *testing.T) {
	r := ring[int]{limit: 100}
	in, out := 0, 0
	for step := range 1000 {
		for n := step % 37; n > 0 && !r.full(); n-- {
			r.push(in)
			in++
		}
		for n := min(step%31, r.len()); n > 0; n-- {
			if got := *r.at(0); got != out {
				t.Fatalf("step %d: got %d, want %d", step, got, out)
			}
			r.drop(1)
			out++
		}
		if r.len() != in-out || len(r.items) > 100 {
			t.Fatalf("step %d: %d items in %d, want %d", step, r.len(), len(r.items), in-out)
		}
	}
	if in < 1000 {
		t.Fatalf("only %d items went through", in)
	}
}

// BenchmarkForward is the way of an event from a rule to a forward sink.
func BenchmarkForward(b *testing.B) {
	received := 0
	sink := &countSink{count: func(n int) { received += n }}
	o, err := NewOutlet(OutletOptions{Name: "bench", Sink: sink, Full: Block})
	if err != nil {
		b.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { o.Run(context.Background()) })
	e := stateEvents("ok")[0]
	b.ReportAllocs()
	put := 0
	for b.Loop() {
		o.PutEvent(&e)
		if put++; put%BatchSize == 0 {
			for o.Flush(); o.full(); {
				<-o.room
			}
		}
	}
	if err := o.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
	running.Wait()
	if received != put {
		b.Fatalf("%d of %d events came out", received, put)
	}
}

type countSink struct{ count func(int) }

func (s *countSink) Open(context.Context) error { return nil }
func (s *countSink) Close() error               { return nil }
func (s *countSink) Forward(_ context.Context, events []Event) error {
	s.count(len(events))
	return nil
}
