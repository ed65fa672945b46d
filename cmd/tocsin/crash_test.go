package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// crashRules count each service's events, and all events, in the state of
// operators, and show the counts in the index.
const crashRules = `
settings { http = "127.0.0.1:0", ttl = 86400, store = %q, journal = %q }
source.graphite { listen = "127.0.0.1:0" }
` + countingRules

const countingRules = `local numbered = events:where 'service =~ "k-%%" or service =~ "g-%%"'
numbered:by("service"):counter():with { host = "sum" }:index()
numbered:counter():with { host = "total", service = "all" }:index()
`

// crashes kills tocsin again and again while events come in.
type crashes struct {
	t       *testing.T
	file    string
	rules   string // that file at first
	numbers atomic.Int64
	mu      sync.Mutex
	acked   []string
}

// round runs tocsin, has senders send, at times has it reload, and kills it when a
// number of posts have been answered.
func (c *crashes) round(random *rand.Rand) {
	cmd, out := tocsin(c.t, nil, "run", c.file)
	base := "http://" + out.await(c.t, `listening on tcp ([0-9.:]+) \(http\)`)[1]
	lines := out.await(c.t, `listening on tcp ([0-9.:]+) \(source graphite\)`)[1]
	var senders sync.WaitGroup
	answered := make(chan struct{})
	over := make(chan struct{})
	for range 3 {
		sizes := rand.New(rand.NewPCG(random.Uint64(), 0))
		senders.Go(func() { c.post(base, sizes, answered, over) })
	}
	senders.Go(func() { c.write(lines) })
	for range random.IntN(40) {
		<-answered
		if random.IntN(30) == 0 {
			c.reload(cmd.Process, random)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		c.t.Error(err)
	}
	close(over)
	senders.Wait()
	_ = cmd.Wait()
}

// reload has tocsin go on with other rules, in which the counting ones stand in
// another place, or not: they keep their state.
func (c *crashes) reload(p *os.Process, random *rand.Rand) {
	more := strings.Repeat("events:where 'service = \"other\"':by('host'):counter():index()\n", random.IntN(3))
	at := strings.Index(c.rules, "local numbered")
	if err := os.WriteFile(c.file, []byte(c.rules[:at]+more+c.rules[at:]), 0o600); err != nil {
		c.t.Error(err)
	}
	if err := p.Signal(syscall.SIGHUP); err != nil {
		c.t.Error(err)
	}
}

// post posts events until there is no answer any more.
func (c *crashes) post(base string, sizes *rand.Rand, answered chan<- struct{}, over <-chan struct{}) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		var body strings.Builder
		var sent []string
		for range 1 + sizes.IntN(5) {
			service := fmt.Sprint("k-", c.numbers.Add(1))
			fmt.Fprintf(&body, `{"host": "a", "service": %q, "metric": 1}`+"\n", service)
			sent = append(sent, service)
		}
		answer, err := client.Post(base+"/api/v1/events", "application/json", strings.NewReader(body.String()))
		if err != nil {
			return
		}
		var got eventsAnswer
		err = json.NewDecoder(answer.Body).Decode(&got)
		answer.Body.Close()
		if err != nil {
			return
		}
		if answer.StatusCode != http.StatusOK || got.Accepted != len(sent) {
			c.t.Errorf("status %d, %d of %d events were accepted", answer.StatusCode, got.Accepted, len(sent))
			return
		}
		c.mu.Lock()
		c.acked = append(c.acked, sent...)
		c.mu.Unlock()
		select {
		case answered <- struct{}{}:
		case <-over:
			return
		}
	}
}

// write writes lines, which nobody acknowledges.
func (c *crashes) write(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	for range 50 {
		if _, err := fmt.Fprintf(conn, "g-%d 1 -1\n", c.numbers.Add(1)); err != nil {
			return
		}
	}
	_, _ = io.Copy(io.Discard, conn) // until the end
}

// countsOf returns what countingRules have counted: all events, and those of each
// service.
func countsOf(t *testing.T, base string) (total float64, counts map[string]float64) {
	t.Helper()
	counts = make(map[string]float64)
	for line := range strings.Lines(askFor(t, base, `host = "sum" or host = "total"`, "&limit=10000000")) {
		var e struct {
			Service string
			Metric  float64
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		counts[e.Service] = e.Metric
	}
	total = counts["all"]
	delete(counts, "all")
	return total, counts
}

// check starts tocsin once more: every event that was acknowledged is counted,
// and none is counted twice.
func (c *crashes) check() {
	cmd, out := tocsin(c.t, nil, "run", c.file)
	base := "http://" + out.await(c.t, `listening on tcp ([0-9.:]+) \(http\)`)[1]
	total, counts := countsOf(c.t, base)
	for service, n := range counts {
		if n != 1 {
			c.t.Errorf("%s is counted %v times", service, n)
		}
	}
	for _, service := range c.acked {
		if counts[service] == 0 {
			c.t.Errorf("%s was acknowledged, and is lost", service)
		}
	}
	if int(total) != len(counts) || len(c.acked) == 0 {
		c.t.Errorf("%v events are counted in all, %d one by one, and %d were acknowledged", total, len(counts), len(c.acked))
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if strings.Contains(out.String(), `"level":"ERROR"`) {
		c.t.Errorf("the last start found trouble:\n%s", out)
	}
	c.t.Logf("%d events were acknowledged, %d are counted", len(c.acked), len(counts))
}

// runCrashes kills tocsin so many times.
func runCrashes(t *testing.T, rounds int) {
	dir := t.TempDir()
	rules := fmt.Sprintf(crashRules, filepath.Join(dir, "tocsin.db"), filepath.Join(dir, "journal"))
	c := &crashes{t: t, file: writeFile(t, "rules.lua", rules), rules: rules}
	random := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		c.round(random)
	}
	c.check()
}

func TestCrashes(t *testing.T) { runCrashes(t, 5) }
