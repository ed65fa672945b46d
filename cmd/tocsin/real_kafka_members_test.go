//go:build real

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/bench/programs"
)

// memberRules show how often each record was counted, by partition and offset.
const memberRules = `
events:where 'service = "n"':by("host"):counter():map(function(e) return e:with { service = "counted" } end):index()
`

// offsets writes records into each partition of a topic, without end. Their host is
// the partition and the offset.
type offsets struct {
	t      *testing.T
	client *kgo.Client
	topic  string
	next   [4]int // behind what the broker has; for others once it has ended
	over   chan struct{}
	ended  chan struct{}
}

func startOffsets(t *testing.T, k *programs.Kafka, topic string) *offsets {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		t.Fatal(err)
	}
	o := &offsets{t: t, client: client, topic: topic, over: make(chan struct{}), ended: make(chan struct{})}
	go o.run()
	t.Cleanup(client.Close)
	return o
}

func (o *offsets) run() {
	defer close(o.ended)
	tick := time.NewTicker(20 * time.Millisecond) // so that there are not too many
	defer tick.Stop()
	for {
		o.put()
		select {
		case <-tick.C:
		case <-o.over:
			return
		}
	}
}

func (o *offsets) put() {
	var records []*kgo.Record
	for p := range o.next {
		for range 2 {
			value := fmt.Sprintf(`{"host":"%d/%d","service":"n","metric":1}`, p, o.next[p])
			records = append(records, &kgo.Record{Topic: o.topic, Partition: int32(p), Value: []byte(value)})
			o.next[p]++
		}
	}
	if err := o.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		o.t.Errorf("cannot produce: %v", err)
	}
}

// end ends it.
func (o *offsets) end() {
	close(o.over)
	<-o.ended
}

// recordCounts adds up what some members have counted.
func recordCounts(t *testing.T, members ...*reader) map[string]int {
	t.Helper()
	out := make(map[string]int)
	for _, r := range members {
		for line := range strings.Lines(askFor(t, r.base, `service = "counted"`, "&limit=10000000")) {
			var e struct {
				Host   string
				Metric int
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			out[e.Host] += e.Metric
		}
	}
	return out
}

// awaitCounted waits until all that was produced is counted by somebody.
func (o *offsets) awaitCounted(members ...*reader) (c map[string]int) {
	o.t.Helper()
	var missing string
	defer func() {
		if missing != "" {
			o.t.Errorf("record %s is counted by nobody", missing)
		}
	}()
	programs.Until(o.t, "all is counted", func() bool {
		c, missing = recordCounts(o.t, members...), ""
		for p, next := range o.next {
			for n := range next {
				if host := fmt.Sprint(p, "/", n); c[host] == 0 {
					missing = host
					return false
				}
			}
		}
		return true
	})
	return c
}

// committed returns up to where a group was told that each partition was read.
func committed(t *testing.T, k *programs.Kafka, group, topic string) (out [4]int) {
	t.Helper()
	offsets, err := k.Admin.FetchOffsets(context.Background(), group)
	if err != nil {
		t.Fatal(err)
	}
	for p := range out {
		if o, ok := offsets.Lookup(topic, int32(p)); ok {
			out[p] = int(o.At)
		}
	}
	return out
}

// awaitProgress waits until the group is told of more in some partitions, and
// returns up to where it was told.
func awaitProgress(t *testing.T, k *programs.Kafka, group string, partitions []int32) (now [4]int) {
	t.Helper()
	before := committed(t, k, group, group)
	programs.Until(t, "the group is told of more", func() bool {
		now = committed(t, k, group, group)
		for _, p := range partitions {
			if now[p] <= before[p] {
				return false
			}
		}
		return true
	})
	return now
}

// newMember makes a tocsin that reads the topic and group of a name.
func newMember(t *testing.T, k *programs.Kafka, name, member, options string) *reader {
	t.Helper()
	source := strings.Replace(memberSource, " }\n", ", "+options+" }\n", 1)
	return newReader(t, source+memberRules, k.Plain, name, name, member)
}

// testKafkaMemberDies kills one of two members, when the group was told of all that
// is kept.
func testKafkaMemberDies(t *testing.T, k *programs.Kafka) {
	killMember(t, k, "dies", func(*reader) {})
}

// testKafkaMemberDiesUntold kills it when it has kept what the group was not told.
func testKafkaMemberDiesUntold(t *testing.T, k *programs.Kafka) {
	killMember(t, k, "dies-untold", func(r *reader) {
		kept := r.commits()
		programs.Until(t, "another checkpoint is kept", func() bool { return r.commits() > kept })
	})
}

// killMember kills one of two members after the group was told something, and
// starts it again. What it had kept since the group was told last may be counted
// by both; nothing is lost.
func killMember(t *testing.T, k *programs.Kafka, name string, await func(*reader)) {
	k.CreateTopic(name, 4)
	first, second := newMember(t, k, name, "first", "session_timeout = 1"), newMember(t, k, name, "second", "session_timeout = 1")
	first.start()
	second.start()
	has := awaitMembers(t, k, name, "first", "second")
	o := startOffsets(t, k, name)
	told := awaitProgress(t, k, name, allPartitions)
	await(second)
	second.kill()
	awaitMembers(t, k, name, "first")
	awaitProgress(t, k, name, allPartitions)
	second.start()
	awaitMembers(t, k, name, "first", "second")
	o.end()
	twice := [4]int{}
	for host, times := range o.awaitCounted(first, second) {
		var p, n int
		if _, err := fmt.Sscanf(host, "%d/%d", &p, &n); err != nil {
			t.Fatal(err)
		}
		if times > 1 {
			twice[p]++
		}
		if times > 2 || times > 1 && n < told[p] {
			t.Errorf("record %s is counted %d times; the group was told of %d before the end", host, times, told[p])
		}
	}
	for _, p := range has["first"] {
		if twice[p] > 0 {
			t.Errorf("%d records of partition %d, which did not move, are counted twice", twice[p], p)
		}
	}
	t.Logf("of %d records in each partition, so many are counted twice: %d", o.next[0], twice)
	first.stop()
	second.stop()
}

// testKafkaStaticMember starts members with an instance_id again. The other keeps
// its partitions and goes on, and each record is counted once.
func testKafkaStaticMember(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("static", 4)
	first, second := newMember(t, k, "static", "first", `instance_id = "one"`), newMember(t, k, "static", "second", `instance_id = "two"`)
	first.start()
	second.start()
	has := awaitMembers(t, k, "static", "first", "second")
	o := startOffsets(t, k, "static")
	awaitProgress(t, k, "static", allPartitions)
	before := first.rebalances()
	for _, end := range []func(){second.stop, second.kill} {
		end()
		awaitProgress(t, k, "static", has["first"])
		away := awaitMembers(t, k, "static", "first", "second")
		second.start()
		awaitProgress(t, k, "static", allPartitions)
		back := awaitMembers(t, k, "static", "first", "second")
		if fmt.Sprint(away) != fmt.Sprint(has) || fmt.Sprint(back) != fmt.Sprint(has) {
			t.Errorf("the members had %v, then %v, and then %v", has, away, back)
		}
	}
	if n := first.rebalances(); n != before || n == "" {
		t.Errorf("partitions went away from the other %q times, and before %q", n, before)
	}
	o.end()
	for host, times := range o.awaitCounted(first, second) {
		if times != 1 {
			t.Errorf("record %s is counted %d times", host, times)
		}
	}
	first.stop()
	second.stop()
}

// rebalances is how often partitions went away from it.
func (r *reader) rebalances() string {
	r.t.Helper()
	return metricOf(r.t, r.base, `tocsin_source_kafka_rebalances_total{source="kafka"}`)
}
