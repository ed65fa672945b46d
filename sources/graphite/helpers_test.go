package graphite

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
)

// newTestSource returns a source that is not open yet, and logs nothing.
func newTestSource(tb testing.TB, o Options) *Source {
	tb.Helper()
	s, err := New(testEnv(slog.DiscardHandler), o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func testEnv(h slog.Handler) plugins.Env {
	return plugins.Env{Name: "graphite", Logger: slog.New(h), Metrics: metrics.NewSet()}
}

func readTestdata(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// recorder is an Input that keeps the events.
type recorder struct {
	ids *engine.Identities
	// block, when not nil, holds Send back until it is closed.
	block   chan struct{}
	blocked chan struct{} // gets a value when a Send is held back

	mu      sync.Mutex
	changed *sync.Cond
	events  []engine.Event
}

func newRecorder() *recorder {
	r := &recorder{ids: engine.NewIdentities(10_000), blocked: make(chan struct{}, 100)}
	r.changed = sync.NewCond(&r.mu)
	return r
}

func (r *recorder) Identities() *engine.Identities { return r.ids }
func (r *recorder) Batch() *engine.Batch           { return &engine.Batch{} }

func (r *recorder) Send(ctx context.Context, b *engine.Batch) error {
	if r.block != nil {
		r.blocked <- struct{}{}
		select {
		case <-r.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.Offer(b)
	return nil
}

func (r *recorder) Place(string) *engine.Place { return nil }

func (r *recorder) Notice(string, string, string, ...engine.Attr) {}

func (r *recorder) Offer(b *engine.Batch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, b.Events...)
	r.changed.Broadcast()
	return true
}

// wait returns the events when there are n.
func (r *recorder) wait(n int) []engine.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.events) < n {
		r.changed.Wait()
	}
	return r.events
}

// running is a source at work.
type running struct {
	*Source
	*recorder
	log *bytes.Buffer // read it after stop only
	// stop ends Run and waits for it.
	stop func()
}

// start opens and runs a source, which the test's end stops.
func start(t *testing.T, o Options, in *recorder) *running {
	t.Helper()
	if o.Connections == 0 {
		o.Connections = 100
	}
	r := &running{recorder: in, log: &bytes.Buffer{}}
	var err error
	if r.Source, err = New(testEnv(slog.NewTextHandler(r.log, nil)), o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := r.Open(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, in) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}
