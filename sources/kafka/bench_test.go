package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/payload"
)

// discard is an engine that serves at once.
type discard struct {
	engine.Input
	ids    *engine.Identities
	batch  engine.Batch
	events int
}

func (d *discard) Identities() *engine.Identities { return d.ids }

func (d *discard) Batch() *engine.Batch {
	d.batch.Events = d.batch.Events[:0]
	return &d.batch
}

func (d *discard) Send(_ context.Context, b *engine.Batch) error {
	d.events += len(b.Events)
	b.Done(nil)
	return nil
}

// newBench returns a worker, and a chunk of 512 records for it.
func newBench(t testing.TB, format, value string, key any) (*worker, chunk, *discard) {
	o := Defaults()
	o.Brokers, o.Topics, o.Format, o.Key = []string{"a"}, []string{"t"}, format, key
	s, err := New(plugins.Env{Name: "kafka", Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}, o)
	if err != nil {
		t.Fatal(err)
	}
	in := &discard{ids: engine.NewIdentities(1 << 20)}
	c := &consumer{Source: s, in: in, room: newRoom(1 << 30)}
	decoder, err := payload.New(format, in.ids, payload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := newPartition(partitionKey{"t", 0}, nil, 0)
	p.counters = s.counters.of("t", 0, nil)
	k := chunk{partition: p, next: 512, done: p.done}
	for i := range 512 {
		r := record("t", 0, fmt.Sprintf(value, i))
		r.Offset, r.Timestamp, r.Key = int64(i), time.Unix(1700000000, 0), fmt.Appendf(nil, "key%d", i%7)
		k.records, k.size = append(k.records, r), k.size+len(r.Value)
	}
	return newWorker(c, decoder, nil), k, in
}

const benchJSON = `{"host":"app%d.example.org","service":"http requests","metric":12.5,"ttl":60,"time":1700000000}`

func TestKnownNamesAllocateNothing(t *testing.T) {
	for _, key := range []any{nil, true} {
		w, k, in := newBench(t, "json", benchJSON, key)
		w.serve(t.Context(), k)
		if allocs := testing.AllocsPerRun(10, func() { w.serve(t.Context(), k) }); allocs != 0 {
			t.Errorf("512 records of known names allocate %v times (key: %v)", allocs, key)
		}
		if want := 12 * 512; in.events != want {
			t.Errorf("got %d events, want %d", in.events, want)
		}
	}
}

// BenchmarkWorker decodes 512 records of one event each on one core. Their names
// are known.
func BenchmarkWorker(b *testing.B) {
	for _, bench := range []struct {
		name, format, value string
		key                 any
	}{
		{"json", "json", benchJSON, nil},
		{"json-key", "json", benchJSON, true},
		{"graphite", "graphite", "servers.app%d.http.requests 12.5 1700000000\n", nil},
	} {
		b.Run(bench.name, func(b *testing.B) {
			w, k, in := newBench(b, bench.format, bench.value, bench.key)
			w.serve(b.Context(), k)
			b.SetBytes(int64(k.size))
			b.ReportAllocs()
			in.events = 0
			for b.Loop() {
				w.serve(b.Context(), k)
			}
			b.ReportMetric(float64(in.events)/b.Elapsed().Seconds(), "events/s")
			if in.events != b.N*512 {
				b.Fatalf("%d events, want %d", in.events, b.N*512)
			}
		})
	}
}
