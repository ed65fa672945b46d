package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaReloads is a tocsin that reads a topic while its source is changed.
type kafkaReloads struct {
	*reloadable
	broker, folder string
	settings       string // the first line of the rules
	options        string // of the source
	client         *kgo.Client
	sent           [3]int // into each partition
}

// startKafkaReloads starts it on a broker in this process, with a store or not,
// and with these options of its source.
func startKafkaReloads(t *testing.T, store bool, options string) *kafkaReloads {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "n"), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	k := &kafkaReloads{reloadable: &reloadable{running: &running{t: t}}, broker: cluster.ListenAddrs()[0], folder: t.TempDir(), options: options}
	k.client, err = kgo.NewClient(kgo.SeedBrokers(k.broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	k.settings = `settings { http = "127.0.0.1:0" }`
	if store {
		k.settings = fmt.Sprintf(`settings { http = "127.0.0.1:0", store = %q }`, filepath.Join(k.folder, "store.db"))
	}
	k.path = filepath.Join(k.folder, "rules.lua")
	k.writeRules(0, "")
	k.running = startLine(t, nil, "run", k.path)
	k.base = "http://" + k.listening("http")
	return k
}

// writeRules writes rules whose source has other options in each round. more is
// put at their end.
func (k *kafkaReloads) writeRules(round int, more string) {
	k.t.Helper()
	k.writeWhole(fmt.Sprintf(`%s
source.kafka { brokers = { %q }, topics = { "n" }, start = "earliest", max_lag = %d, format = %q, %s }
events:where 'service = "n"':to(sink.file { path = %q, full = "block" })
events:where 'service = "n"':by("host"):with { metric = 1 }:counter():with { service = "count" }:index()
%s`, k.settings, k.broker, 1000+round, []string{"json", "auto"}[round%2], k.options, filepath.Join(k.folder, "events"), more))
}

// put writes a few numbers into each partition.
func (k *kafkaReloads) put() {
	var records []*kgo.Record
	for p := range k.sent {
		for range 20 {
			records = append(records, &kgo.Record{Topic: "n", Partition: int32(p), Value: fmt.Appendf(nil, `{"host":"%d","service":"n","metric":%d}`, p, k.sent[p])})
			k.sent[p]++
		}
	}
	if err := k.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		k.t.Errorf("cannot produce: %v", err)
	}
}

// counted is how many events of all partitions the rules have counted.
func (k *kafkaReloads) counted() (sum int) {
	k.t.Helper()
	for line := range strings.Lines(askFor(k.t, k.base, `service = "count"`, "")) {
		var e struct{ Metric int }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			k.t.Fatal(err)
		}
		sum += e.Metric
	}
	return sum
}

func (k *kafkaReloads) awaitCounted(n int) {
	k.t.Helper()
	deadline := time.Now().Add(testTimeout)
	for k.counted() < n {
		if time.Now().After(deadline) {
			k.t.Fatalf("%d events are counted, of %d", k.counted(), n)
		}
	}
}

// change reloads with another source.
func (k *kafkaReloads) change(round int) {
	k.t.Helper()
	k.writeRules(round, "")
	if answer, wrong := k.reload(""); wrong != "" || !strings.Contains(strings.Join(answer.Changes, "\n"), "source kafka") {
		k.t.Errorf("%s; changes %q", wrong, answer.Changes)
	}
}

// changeInVain reloads with another source, and with one that wants a port which
// is in use: that is known only once the old source has ended, which runs again.
func (k *kafkaReloads) changeInVain(round int) {
	k.t.Helper()
	k.writeRules(round, fmt.Sprintf("source.graphite { listen = %q }", strings.TrimPrefix(k.base, "http://")))
	if _, wrong := k.reload(""); !strings.Contains(wrong, "address already in use") {
		k.t.Errorf("a port that is in use is taken: %s", wrong)
	}
}

// checkArchive wants that the sink got each number once.
func (k *kafkaReloads) checkArchive() {
	k.t.Helper()
	seen := archived(k.t, filepath.Join(k.folder, "events"))
	for p, sent := range k.sent {
		for n := range sent {
			if times := seen[fmt.Sprint(p)][n]; times != 1 {
				k.t.Fatalf("event %d of %d of partition %d was seen %d times", n, sent, p, times)
			}
		}
	}
	k.t.Logf("%d, %d and %d events", k.sent[0], k.sent[1], k.sent[2])
}

// TestNothingIsLostInReloadsOfKafka changes the options of a source.kafka time and
// again while records come in. Each of them counts once.
func TestNothingIsLostInReloadsOfKafka(t *testing.T) {
	for _, c := range []struct {
		name    string
		store   bool
		options string
		rounds  int
	}{
		{"with a store", true, "", 4}, // each waits for a checkpoint
		{"without a store", false, "", 12},
		{"as a static member", false, `instance_id = "one"`, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := startKafkaReloads(t, c.store, c.options)
			over, ended := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				for {
					select {
					case <-over:
						return
					default:
						k.put()
						ask(t, "GET", k.base+"/healthz", nil) // the engine is not that far behind
					}
				}
			}()
			for round := range c.rounds {
				k.awaitCounted(k.counted() + 100*round + 1)
				k.change(round + 1)
				if round%3 == 0 {
					k.changeInVain(round + 2)
				}
			}
			close(over)
			<-ended
			total := k.sent[0] + k.sent[1] + k.sent[2]
			k.awaitCounted(total)
			k.put() // what is read twice comes before
			k.awaitCounted(total + 60)
			if got := k.counted(); got != total+60 {
				t.Errorf("%d events are counted, of %d", got, total+60)
			}
			k.stop()
			k.checkArchive()
		})
	}
}
