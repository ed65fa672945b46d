//go:build real

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tocsin/bench/programs"
)

// reader is a tocsin that reads from a broker, as a process of its own.
type reader struct {
	t    *testing.T
	file string
	env  []string
	cmd  *exec.Cmd
	log  *output
	base string
}

// newReader writes a rules file, which has what is kept in a folder of its own.
func newReader(t *testing.T, format string, args ...any) *reader {
	t.Helper()
	dir := t.TempDir()
	settings := fmt.Sprintf("settings { http = '127.0.0.1:0', ttl = 86400, skew = 4e9, store = %q }\n", filepath.Join(dir, "tocsin.db"))
	r := &reader{t: t, file: filepath.Join(dir, "rules.lua")}
	if err := os.WriteFile(r.file, fmt.Appendf([]byte(settings), format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && r.log != nil {
			t.Logf("tocsin says:\n%s", r.log)
		}
	})
	return r
}

// start runs it, for the first time or again.
func (r *reader) start() {
	r.t.Helper()
	r.cmd, r.log = tocsin(r.t, r.env, "run", r.file)
	r.base = "http://" + r.log.await(r.t, `listening on tcp ([0-9.:]+) \(http\)`)[1]
}

// kill ends it as kill -9 does.
func (r *reader) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// stop asks it to end, which has to go well.
func (r *reader) stop() {
	r.t.Helper()
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("it was stopped: %v", err)
	}
}

// find returns how many events in the index match a query.
func (r *reader) find(query string) int {
	r.t.Helper()
	return strings.Count(askFor(r.t, r.base, query, "&limit=10000000"), "\n")
}

// await waits until so many events in the index match a query.
func (r *reader) await(query string, n int) {
	r.t.Helper()
	defer func() {
		if r.t.Failed() {
			r.t.Logf("the index has:\n%s", askFor(r.t, r.base, "true", "&limit=100"))
		}
	}()
	programs.Until(r.t, fmt.Sprintf("%d events: %s", n, query), func() bool { return r.find(query) == n })
}

// expectReady wants an answer of /readyz.
func (r *reader) expectReady(status int, text string) {
	r.t.Helper()
	if got, body := ask(r.t, "GET", r.base+"/readyz", nil); got != status || !strings.Contains(body, text) {
		r.t.Errorf("/readyz: %d %s", got, body)
	}
}

// awaitLog waits for a line of the log.
func (r *reader) awaitLog(pattern string) {
	r.t.Helper()
	r.log.await(r.t, pattern)
}

// awaitTotal waits until countingRules have counted n events, and no more.
func (r *reader) awaitTotal(n int) (counts map[string]float64) {
	r.t.Helper()
	var total float64
	defer func() { // also when they do not come
		if int(total) != n {
			r.t.Errorf("%v events are counted, of %d", total, n)
		}
	}()
	programs.Until(r.t, fmt.Sprintf("%d events are counted", n), func() bool {
		total, counts = countsOf(r.t, r.base)
		return int(total) >= n
	})
	_, counts = countsOf(r.t, r.base) // of the same moment as all of the total
	return counts
}

// awaitCount is awaitTotal for numbered(0, n), of which each service has to be
// counted as often as it is there.
func (r *reader) awaitCount(n int) {
	r.t.Helper()
	counts := r.awaitTotal(n)
	for i := range min(n, series) {
		service := fmt.Sprint("k-", i)
		if want := (n - i + series - 1) / series; int(counts[service]) != want {
			r.t.Errorf("%s is counted %v times, of %d", service, counts[service], want)
		}
	}
}

// series is how many services numbered lines have.
const series = 5000

// numbered returns n lines of graphite, from that of a number on. They have one
// time, for the index keeps the newest event, and partitions are read in any
// order.
func numbered(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k-%d 1 1700000000\n", (first+i)%series)
	}
	return b.String()
}

// TestRealKafka reads from one broker in many ways.
func TestRealKafka(t *testing.T) {
	t.Parallel()
	k := programs.StartKafka(t)
	for name, f := range map[string]func(*testing.T, *programs.Kafka){
		"kcat":          testKafkaKcat,
		"collectd":      testKafkaCollectd,
		"secure":        testKafkaSecure,
		"secure past":   testKafkaSecurePast,
		"refused":       testKafkaRefused,
		"unknown topic": testKafkaUnknownTopic,
		"retention":     testKafkaRetention,
		"recreated":     testKafkaRecreated,
		"rebalance":     testKafkaRebalance,
		"poison":        testKafkaPoison,
		"large":         testKafkaLarge,
		"quiet":         testKafkaQuietRebalance,
		"windows":       testKafkaWindowsInARebalance,
		"dies":          testKafkaMemberDies,
		"dies untold":   testKafkaMemberDiesUntold,
		"static":        testKafkaStaticMember,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, k)
		})
	}
}
