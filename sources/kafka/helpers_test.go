package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/engine/store"
	"tocsin/plugins"
)

// patience is how long a test waits for what has to come. It is less than
// metadataAge.
const patience = 25 * time.Second

// await waits until what holds. It asks again whenever the tick of a fake or
// real engine may have changed something.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited too long until %s", what)
		}
	}
}

// broker is a cluster in this process, and a client of it.
type broker struct {
	*kfake.Cluster
	t      *testing.T
	client *kgo.Client
	admin  *kadm.Client
	full   bool // the disk of the nodes that are started
}

func newBroker(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(10*time.Millisecond), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(32<<20), kgo.UnknownTopicRetries(100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &broker{Cluster: cluster, t: t, client: client, admin: kadm.NewClient(client)}
}

func record(topic string, partition int32, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}
}

// produce writes records and waits until they are there.
func (b *broker) produce(records ...*kgo.Record) {
	b.t.Helper()
	if err := b.client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// committed is what the group knows of a partition; -1: nothing.
func (b *broker) committed(topic string, partition int32) int64 {
	b.t.Helper()
	offsets, err := b.admin.FetchOffsets(b.t.Context(), "tocsin")
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		b.t.Fatal(err)
	}
	if o, ok := offsets.Lookup(topic, partition); ok {
		return o.At
	}
	return -1
}

// node is an engine with a store and one source, as the program has them, and
// what its events did: how often each service came.
type node struct {
	t      *testing.T
	path   string
	broker *broker
	*Source
	runner  *engine.Runner
	store   *store.Store
	log     *logBuffer
	metrics *metrics.Set
	input   engine.Input
	env     plugins.Env

	full     bool // the disk: nothing is kept
	killed   atomic.Bool
	end      func() // of the source that it was started with
	sources  sync.WaitGroup
	finished chan struct{}

	mu      sync.Mutex
	counts  map[string]int
	notices []string
	last    engine.Event // the last one of the source
}

const countPrefix = "test\x00"

// options are those of a source of all tests: of topic t, from its beginning.
func (b *broker) options() Options {
	o := Defaults()
	o.Brokers, o.Topics, o.Format, o.Start = b.ListenAddrs(), []string{"t"}, "json", "earliest"
	return o
}

// start starts a node with the store at path.
func (b *broker) start(path string, o Options) *node {
	b.t.Helper()
	n := &node{t: b.t, path: path, broker: b, full: b.full, log: &logBuffer{}, metrics: metrics.NewSet(), counts: make(map[string]int), finished: make(chan struct{})}
	var err error
	if n.store, err = store.Open(path, store.Options{Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}); err != nil {
		b.t.Fatal(err)
	}
	n.env = plugins.Env{Name: "kafka", Logger: slog.New(slog.NewTextHandler(n.log, nil)), Metrics: n.metrics, Dir: filepath.Dir(path)}
	if n.Source, err = New(n.env, o); err != nil {
		b.t.Fatal(err)
	}
	n.handOver, n.endHandOver, n.lagEvery = patience, patience, 50*time.Millisecond
	clock := engine.NewWallClock(time.Now)
	e := engine.New(engine.Options{Logger: n.env.Logger}, clock.Read().Now)
	e.Track()
	loading := engine.NewLoading(n.store, e.Identities())
	if loading.Any() {
		if err := e.Load(loading); err != nil {
			b.t.Fatal(err)
		}
	}
	e.Subscribe(nil, (*watcher)(n))
	n.runner = engine.NewRunner(e, clock)
	n.runner.LoadPlaces(loading)
	loading.Each(countPrefix, func(name string, r *engine.RecordReader) { n.counts[name] = r.Int(1 << 30) })
	clock.NotBefore(e.Now())
	e.Resume(clock.Read().Now)
	n.runner.SetCheckpoints(engine.CheckpointOptions{Store: (*mortalStore)(n), Every: 10 * time.Millisecond, Save: n.save})
	if err := n.Open(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	n.input = n.runner.Input(engine.InputOptions{Name: "kafka", Metrics: n.metrics})
	ctx, cancel := context.WithCancel(context.Background())
	n.runSource(ctx, n.Source)
	var wg sync.WaitGroup
	wg.Go(func() { n.runner.Run(context.Background()) })
	go func() {
		defer close(n.finished)
		n.sources.Wait()
		n.runner.Stop()
		wg.Wait()
	}()
	n.end = cancel
	b.t.Cleanup(func() { n.kill() })
	return n
}

// runSource runs a source that is open.
func (n *node) runSource(ctx context.Context, s *Source) {
	n.sources.Go(func() {
		if err := s.Run(ctx, n.input); err != nil {
			n.t.Error(err)
		}
	})
}

// hold has the engine stand still until free is called.
func (n *node) hold() (free func()) {
	stands, over := make(chan struct{}), make(chan struct{})
	go n.runner.Do(context.Background(), func(*engine.Engine) {
		close(stands)
		<-over
	})
	<-stands
	return func() { close(over) }
}

// watcher counts events. It is on the engine's goroutine.
type watcher node

func (w *watcher) Handle(e *engine.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.HasPrefix(e.ID.Service, "tocsin ") {
		w.notices = append(w.notices, fmt.Sprint(e.ID.Service, " ", e.State, ": ", e.Description))
		return
	}
	w.counts[e.ID.Service]++
	w.last = *e
}

func (w *watcher) Fail(*engine.Event, error) {}

// save puts the counts, in pieces of their own.
func (n *node) save(c *engine.Checkpoint) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, count := range n.counts {
		c.Put(countPrefix+name, func(w *engine.RecordWriter) { w.Int(count) })
	}
}

// mortalStore is a store that keeps nothing any more when the node was killed, and
// nothing at all when its disk is full.
type mortalStore node

func (m *mortalStore) Commit(c *engine.Checkpoint) error {
	if m.killed.Load() {
		return errors.New("killed")
	}
	if m.full {
		return errors.New("no space left on device")
	}
	return m.store.Commit(c)
}

// stop ends the node in order.
func (n *node) stop() {
	n.t.Helper()
	n.end()
	<-n.finished
	if err := n.runner.LastCheckpoint(); err != nil {
		n.t.Error(err)
	}
	n.close()
}

// kill ends the node such that the store has, and the group is told of, nothing
// that they did not have at the time.
func (n *node) kill() {
	if n.killed.Swap(true) {
		return
	}
	n.handOver = 0
	n.end()
	<-n.finished
	n.close()
}

func (n *node) close() {
	n.killed.Store(true)
	if err := n.store.Close(); err != nil {
		n.t.Error(err)
	}
}

func (n *node) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts[name]
}

// total is how many events came in all.
func (n *node) total() (sum int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, count := range n.counts {
		sum += count
	}
	return sum
}

func (n *node) awaitTotal(want int) {
	n.t.Helper()
	await(n.t, fmt.Sprintf("%d events came; there are %d", want, n.total()), func() bool { return n.total() >= want })
}

func (n *node) told(text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Contains(strings.Join(n.notices, "\n"), text)
}

func (n *node) awaitTold(text string) {
	n.t.Helper()
	await(n.t, fmt.Sprintf("an event told %q", text), func() bool { return n.told(text) })
}

func (n *node) metric(name string) string {
	var out bytes.Buffer
	n.metrics.WritePrometheus(&out)
	for line := range strings.Lines(out.String()) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

var _ io.Writer = (*logBuffer)(nil)

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func storePath(t *testing.T) string { return filepath.Join(t.TempDir(), "tocsin.db") }

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(data)
}
