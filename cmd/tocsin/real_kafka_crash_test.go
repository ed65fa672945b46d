//go:build real

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/bench/programs"
)

// producer writes numbered lines into the partitions of a topic, in small
// records, without end.
type producer struct {
	t       *testing.T
	client  *kgo.Client
	topic   string
	numbers atomic.Int64 // that the broker has
	written chan struct{}
	stop    context.CancelFunc
	ended   chan struct{}
}

func startProducer(t *testing.T, k *programs.Kafka, topic string) *producer {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &producer{t: t, client: client, topic: topic, written: make(chan struct{}), stop: stop, ended: make(chan struct{})}
	go p.run(ctx)
	t.Cleanup(func() { p.end() })
	return p
}

func (p *producer) run(ctx context.Context) {
	defer close(p.ended)
	sizes := rand.New(rand.NewPCG(3, 4))
	for ctx.Err() == nil {
		n := 0
		var records []*kgo.Record
		for range 1 + sizes.IntN(5) {
			lines := 1 + sizes.IntN(5)
			records = append(records, kgo.StringRecord(numbered(int(p.numbers.Load())+n, lines)))
			n += lines
		}
		// What has been begun is written to its end, for the broker may have it.
		if err := p.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
			p.t.Errorf("cannot produce: %v", err)
			return
		}
		p.numbers.Add(int64(n))
		select {
		case p.written <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// end ends it and returns how many numbers it has written.
func (p *producer) end() int {
	p.stop()
	<-p.ended
	p.client.Close()
	return int(p.numbers.Load())
}

// await waits until it has written so many times.
func (p *producer) await(times int) {
	for range times {
		select {
		case <-p.written:
		case <-p.ended:
			p.t.Fatal("nothing is produced any more")
		}
	}
}

// TestRealKafkaCrashes kills tocsin 50 times: in the index, in the state of
// streams and in the topic that it writes to, everything is counted once.
func TestRealKafkaCrashes(t *testing.T) {
	t.Parallel()
	k := programs.StartKafka(t)
	k.CreateTopic("crashes", 4)
	k.CreateTopic("out", 2)
	r := newReader(t, `source.kafka { brokers = { %q }, topics = { "crashes" }, instance_id = "one", start = "earliest" }
local out = sink.kafka { brokers = { %[1]q }, topic = "out", transactional = true }
`+countingRules+"numbered:to(out)\n", k.Plain)
	p := startProducer(t, k, "crashes")
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		r.start()
		commits := random.IntN(3)
		programs.Until(t, "checkpoints are kept", func() bool {
			p.await(20)
			return r.commits() >= commits
		})
		p.await(random.IntN(400))
		r.kill()
	}
	n := p.end()
	r.start()
	r.awaitCount(n)
	_, text := ask(t, "GET", r.base+"/metrics", nil)
	t.Logf("%d events are counted; read since the last checkpoint:\n%s", n, regexp.MustCompile(`(?m)^tocsin_source_kafka_records_total.*`).FindAllString(text, -1))
	programs.Until(t, "all is written", func() bool { return strings.Count(k.Consume("out"), "\n") >= n })
	r.stop()
	checkNumbered(t, k.Consume("out"), n)
}

// commits returns how many checkpoints it has kept.
func (r *reader) commits() (n int) {
	r.t.Helper()
	_, text := ask(r.t, "GET", r.base+"/metrics", nil)
	if found := regexp.MustCompile(`(?m)^tocsin_store_commit_seconds_count (\d+)`).FindStringSubmatch(text); found != nil {
		n, _ = strconv.Atoi(found[1])
	}
	return n
}

// checkNumbered wants the events of numbered(0, n), each once, in any order.
func checkNumbered(t *testing.T, lines string, n int) {
	t.Helper()
	counts := make(map[string]int)
	for line := range strings.Lines(lines) {
		var e struct{ Service string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		counts[e.Service]++
	}
	if got := strings.Count(lines, "\n"); got != n {
		t.Errorf("%d events are written, of %d", got, n)
	}
	for i := range min(n, series) {
		service := fmt.Sprint("k-", i)
		if want := (n - i + series - 1) / series; counts[service] != want {
			t.Errorf("%s is written %v times, of %d", service, counts[service], want)
		}
	}
}

// TestRealKafkaRestarts: the broker comes late, and is killed under load.
func TestRealKafkaRestarts(t *testing.T) {
	t.Parallel()
	k := programs.NewKafka(t)
	r := newReader(t, numberedSource+countingRules, k.Plain, "restarts")
	r.start()
	r.awaitLog("nobody listens there")
	r.expectReady(503, "nobody listens there")
	k.Start()
	k.CreateTopic("restarts", 4)
	p := startProducer(t, k, "restarts")
	for range 2 {
		p.await(300)
		k.Kill()
		k.Start()
	}
	p.await(300)
	r.awaitCount(p.end())
	r.expectReady(200, "ok")
	r.stop()
}
