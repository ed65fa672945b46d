package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/engine"
	"tocsin/engine/store"
)

// toOutlet hands all events to an outlet.
type toOutlet struct{ *engine.Outlet }

func (o toOutlet) Handle(e *engine.Event)  { o.PutEvent(e) }
func (toOutlet) Fail(*engine.Event, error) {}

// life is one run of a program that passes numbers on from a source that can
// read again.
type life struct {
	store  *store.Store
	runner *engine.Runner
	outlet *engine.Outlet
	in     engine.Input
	place  *engine.Place
	end    context.CancelFunc
	parts  sync.WaitGroup
}

// begin begins one with a queue of that size; 0: the default.
func begin(t *testing.T, c *kfake.Cluster, path string, queue int) *life {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	l := &life{}
	var err error
	l.store, err = store.Open(path, store.Options{Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()})
	check(err)
	e := engine.New(engine.Options{}, engine.Time(time.Now().UnixNano()))
	e.Track()
	l.runner = engine.NewRunner(e, engine.NewWallClock(time.Now))
	sink := newTransactional(t, c, func(o *Options) { o.Timeout = 500 * time.Millisecond })
	l.outlet, err = engine.NewOutlet(engine.OutletOptions{
		Name: "kafka", Sink: sink.Transactional, Queue: queue, RetryMin: time.Millisecond, RetryMax: 4 * time.Millisecond,
	})
	check(err)
	e.AddOutput(l.outlet)
	l.in = l.runner.Input(engine.InputOptions{Name: "numbers", Through: toOutlet{l.outlet}})
	l.place = l.in.Place("p")
	loading := engine.NewLoading(l.store, e.Identities())
	any := loading.Any()
	if any {
		check(e.Load(loading))
		engine.LoadOutlets(loading, []*engine.Outlet{l.outlet})
		l.runner.LoadPlaces(loading)
	}
	if n := loading.Skipped(); n > 0 {
		t.Errorf("skipped %d", n)
	}
	l.runner.SetCheckpoints(engine.CheckpointOptions{Store: l.store, Every: 5 * time.Millisecond, Save: l.outlet.Save, Whole: !any})
	ctx, end := context.WithCancel(t.Context())
	l.end = end
	l.parts.Go(func() { l.outlet.Run(ctx) })
	l.parts.Go(func() { l.runner.Run(ctx) })
	return l
}

// send passes the numbers from where the last checkpoint was up to last.
func (l *life) send(t *testing.T, last int) {
	next, _ := l.place.Served()
	for n := int(max(next, 0)); n < last; {
		b := l.in.Batch()
		for range min(10, last-n) {
			n++
			e := b.Add(event("a", "x", "").ID)
			e.SetTime(engine.Time(n) * 1e9)
			e.SetDescription(fmt.Sprintf("%d,", n))
		}
		b.Place, b.Next = l.place, int64(n)
		if err := l.in.Send(t.Context(), b); err != nil {
			t.Error(err)
			return
		}
	}
}

// crash ends the program as it is.
func (l *life) crash() {
	l.end()
	l.parts.Wait()
	l.store.Close()
}

// TestExactlyOnceAcrossCrashes: a reader of what is committed sees each number
// once, in order.
func TestExactlyOnceAcrossCrashes(t *testing.T) {
	c := newCluster(t)
	path := filepath.Join(t.TempDir(), "tocsin.db")
	keys := []kmsg.Key{kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.OffsetFetch}
	errs := []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut, kerr.NotEnoughReplicas}
	total := 0
	for n := range 15 {
		l := begin(t, c, path, []int{0, 60}[n%2])
		key := keys[n%len(keys)]
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: errs[n%len(errs)], Count: 1})
		total += 100 + rand.IntN(400)
		l.send(t, total)
		// In the middle of whatever comes next.
		seen := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce, kmsg.EndTxn, kmsg.OffsetFetch}, Observe: true, Count: -1})
		if err := seen.Wait(t.Context(), 1+rand.IntN(4)); err != nil {
			t.Fatal(err)
		}
		seen.Remove()
		l.crash()
		fault.Remove()
	}
	l := begin(t, c, path, 0)
	l.send(t, total)
	expectNumbers(t, c, total)
	l.crash()
	expectNoMore(t, c, total)
}

// expectNumbers waits for the numbers, each once and in order.
func expectNumbers(t *testing.T, c *kfake.Cluster, total int) {
	t.Helper()
	records := consume(t, c, total)
	var want strings.Builder
	for n := range total {
		fmt.Fprintf(&want, "%d,", n+1)
	}
	if got := descriptions(t, records)["a x"]; got != want.String() {
		t.Errorf("%d records: %s\nwant %d", len(records), got, total)
	}
}

// expectNoMore checks that nothing follows the numbers.
func expectNoMore(t *testing.T, c *kfake.Cluster, total int) {
	t.Helper()
	newSink(t, c, nil).forward(event("a", "x", "end"))
	if last := consume(t, c, total+1)[total]; !strings.Contains(string(last.Value), `"end"`) {
		t.Errorf("there is more than the numbers: %s", last.Value)
	}
}

// TestBacklogBeyondTheQueue: by default a backlog that is much larger than the
// queue, and than what comes between two checkpoints, loses nothing.
func TestBacklogBeyondTheQueue(t *testing.T) {
	const total = 20_000
	c := newCluster(t)
	l := begin(t, c, filepath.Join(t.TempDir(), "tocsin.db"), 100)
	l.send(t, total)
	expectNumbers(t, c, total)
	l.crash()
	expectNoMore(t, c, total)
}
