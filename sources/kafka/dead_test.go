package kafka

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/plugins"
)

// TestDeadTopic: letters that come at once are written though all of them together
// are more than the topic takes in one batch, whatever its bound is. What it never
// takes is counted as lost, and not as written.
func TestDeadTopic(t *testing.T) {
	t.Parallel()
	f := func(bound string, count, size, lost int) {
		t.Helper()
		b := newBroker(t)
		if err := b.CreateTopic("dead", 1, map[string]string{"max.message.bytes": bound}); err != nil {
			t.Fatal(err)
		}
		o := b.options()
		o.DeadLetter = "topic:dead"
		s, err := New(plugins.Env{Name: "kafka", Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(), Dir: t.TempDir()}, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		random := rand.NewChaCha8([32]byte{}) // or it could be packed
		for i := range count {
			value := make([]byte, size)
			_, _ = random.Read(value)
			s.dead.put(&kgo.Record{Topic: "t", Offset: int64(i), Value: value}, errors.New("bad"))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		ends, err := b.admin.ListEndOffsets(t.Context(), "dead")
		if err != nil {
			t.Fatal(err)
		}
		end, _ := ends.Lookup("dead", 0)
		if got, want := s.counters.dead.Get(), uint64(count-lost); uint64(end.Offset) != want || got != want || s.counters.deadLost.Get() != uint64(lost) {
			t.Errorf("max.message.bytes %s: the topic has %d, want %d; %d are counted, %d as lost", bound, end.Offset, want, got, s.counters.deadLost.Get())
		}
	}
	f("1048588", 9000, 300, 0)
	f("20000", 100, 1000, 0)
	f("4000000", 5, 3_000_000, 0)
	f("1000", 2, 2000, 2)
}
