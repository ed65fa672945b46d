package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// reloadedRules are rules of which a part stays and a part changes from one
// reload to the next, sources and sinks too.
func reloadedRules(archive, udp string, round int) string {
	text := fmt.Sprintf(`
source.graphite { listen = "127.0.0.1:0", udp = %q, templates = { "host.service" }, ttl = %d }
local archive = sink.file { path = %q, full = "block" }
events:where 'service = "n"':to(archive)
events:where 'service = "n"':by("host"):reduce(function(a, e) return a:with { metric = a.metric + 1 } end)
  :with { service = "count" }:index()
`, udp, 60+round, archive)
	if round%2 == 1 {
		text += fmt.Sprintf(`
source.graphite { name = "more", listen = "127.0.0.1:0", connections = %d }
local other = sink.file { name = "other", path = %q }
events:where 'service = "n"':by("host"):throttle(1, 5):to(other)
rule "r%d" { every = 0.01, eval = function() return index('service = "n"'):count() > 0 and "ok" or nil end }
`, 1+round%4, archive+".more", round)
	}
	return text
}

// archived counts how often each number is in the file of the sink.
func archived(t *testing.T, path string) map[string]map[int]int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]map[int]int)
	for line := range bytes.Lines(data) {
		var e struct {
			Host   string
			Metric int
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if seen[e.Host] == nil {
			seen[e.Host] = make(map[int]int)
		}
		seen[e.Host][e.Metric]++
	}
	return seen
}

// TestNothingIsLostInReloads sends numbered events over TCP and HTTP all the
// time while the rules are reloaded: each of them is seen exactly once, by a
// sink and by an operator that counts.
func TestNothingIsLostInReloads(t *testing.T) {
	const rounds = 20
	archive := filepath.Join(t.TempDir(), "events.json")
	r := startReloadable(t, reloadedRules(archive, "", 0))
	conn, err := net.Dial("tcp", r.listening("source graphite"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var over atomic.Bool
	var overTCP, overHTTP int
	var senders sync.WaitGroup
	senders.Go(func() {
		for ; !over.Load(); overTCP += 50 {
			var lines bytes.Buffer
			for i := range 50 {
				fmt.Fprintf(&lines, "tcp.n %d -1\n", overTCP+i)
			}
			if _, err := conn.Write(lines.Bytes()); err != nil {
				t.Error(err)
				return
			}
			ask(t, "GET", r.base+"/healthz", nil) // the engine is not that far behind
		}
	})
	senders.Go(func() {
		for ; !over.Load(); overHTTP++ {
			status, answer := postEvents(t, r.base, strings.NewReader(fmt.Sprintf(`{"host":"http","service":"n","metric":%d}`, overHTTP)))
			if status != 200 || answer.Accepted != 1 {
				t.Errorf("status %d, %+v", status, answer)
				return
			}
		}
	})
	for round := 1; round <= rounds; round++ {
		if _, wrong := r.reload(reloadedRules(archive, "", round)); wrong != "" {
			t.Error(wrong)
		}
		if _, wrong := r.reload(reloadedRules(archive, "", round) + "oh("); wrong == "" {
			t.Error("a wrong file is taken")
		}
	}
	over.Store(true)
	senders.Wait()
	conn.Close()
	awaitMetric(t, r.base, fmt.Sprintf(`tocsin_source_events_total{source="graphite"} %d`, overTCP))
	counts := askFor(t, r.base, `service = "count"`, "")
	r.stop()
	seen := archived(t, archive)
	for host, sent := range map[string]int{"tcp": overTCP, "http": overHTTP} {
		for n := range sent {
			if seen[host][n] != 1 {
				t.Errorf("over %s, event %d of %d was seen %d times", host, n, sent, seen[host][n])
				break
			}
		}
		// The first number is 0, and each further event adds 1.
		if want := fmt.Sprintf(`{"host":%q,"service":"count","time":`, host); !strings.Contains(counts, want) {
			t.Errorf("nothing counted %s: %s", host, counts)
		}
		if !strings.Contains(counts, `"metric":`+strconv.Itoa(sent-1)) {
			t.Errorf("%d events over %s are counted as %s", sent, host, counts)
		}
	}
	t.Logf("%d events over TCP, %d over HTTP", overTCP, overHTTP)
}

// TestDatagramsThroughReloads sends a datagram, waits until it is in the index,
// and sends the next, while the rules are reloaded.
func TestDatagramsThroughReloads(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "events.json")
	r := startReloadable(t, reloadedRules(archive, "127.0.0.1:0", 0))
	conn, err := net.Dial("udp", r.err.await(t, `listening on udp ([0-9.:]+) `)[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	done := make(chan int)
	go func() {
		for round := 1; round <= 20; round++ {
			if _, wrong := r.reload(reloadedRules(archive, "127.0.0.1:0", round)); wrong != "" {
				t.Error(wrong)
			}
		}
		close(done)
	}()
	sent := 0
	for reloading := true; reloading; sent++ {
		if _, err := io.WriteString(conn, fmt.Sprintf("udp.n %d -1\n", sent)); err != nil {
			t.Fatal(err)
		}
		awaitMetric(t, r.base, fmt.Sprintf(`tocsin_source_events_total{source="graphite"} %d`, sent+1))
		select {
		case <-done:
			reloading = false
		default:
		}
	}
	r.stop()
	for n := range sent {
		if seen := archived(t, archive)["udp"][n]; seen != 1 {
			t.Fatalf("datagram %d of %d was seen %d times", n, sent, seen)
		}
	}
}
