package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine/store"
)

// TestPlacesOfGoneSources: a store forgets where a source was once rules run that
// have it no longer, and not when a reload fails that would have taken it away.
func TestPlacesOfGoneSources(t *testing.T) {
	t.Parallel()
	broker, put := kafkaTopic(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "tocsin.db")
	settings := fmt.Sprintf("settings { http = '127.0.0.1:0', store = %q }\n", path)
	source := fmt.Sprintf("source.kafka { brokers = { %q }, topics = { 'metrics' }, start = 'earliest' }\n", broker)
	other := fmt.Sprintf("source.graphite { listen = %q }\n", taken.Addr())
	put(0, 1700000000, "a 1 -1")
	put(1, 1700000000, "a 1 -1")

	file := writeFile(t, "rules.lua", settings)
	// run runs rules, and then reloads others; it returns how many places are kept.
	run := func(first, then, wrong string) (places int) {
		t.Helper()
		r := &reloadable{running: &running{t: t}, path: file}
		r.writeWhole(settings + first)
		r.running = startLine(t, nil, "run", file)
		r.base = "http://" + r.listening("http")
		if first != "" {
			awaitMetric(t, r.base, `tocsin_source_kafka_lag{source="kafka",topic="metrics",partition="0"} 0`)
			awaitMetric(t, r.base, `tocsin_source_kafka_lag{source="kafka",topic="metrics",partition="1"} 0`)
		}
		r.writeWhole(settings + then)
		if _, told := r.reload(""); !strings.Contains(told, wrong) || told != "" && wrong == "" {
			t.Errorf("reload: %s; want %s", told, wrong)
		}
		r.stop()
		s, err := store.Open(path, store.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: metrics.NewSet()})
		if err != nil {
			t.Fatal(err)
		}
		s.Each("place\x00kafka\x00", func(string, string) { places++ })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return places
	}
	for _, c := range []struct {
		name, first, then, wrong string
		want                     int
	}{
		{"a reload fails", source, other, "address already in use", 2},
		{"another source", source, strings.Replace(source, "{", "{ name = 'renamed', ", 1), "", 0},
		{"it comes back", source, source, "", 2},
		{"a start without it", "", "", "", 0},
	} {
		if got := run(c.first, c.then, c.wrong); got != c.want {
			t.Errorf("%s: %d places are kept, want %d", c.name, got, c.want)
		}
	}
}
