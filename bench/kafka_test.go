//go:build real

package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/bench/programs"
)

// kafkaPartitions is how many partitions the topics have.
const kafkaPartitions = 4

// BenchmarkRealKafka reads topics of a real broker on the same cores, by turns
// with a client that only counts records and by Tocsin with 100 rules. Its
// figures are in README.md.
func BenchmarkRealKafka(b *testing.B) {
	k := programs.StartKafka(b)
	for _, c := range []struct {
		format  string
		records int
		values  [][]byte
		events  int // of each value
	}{
		{"graphite", 3_000_000, kafkaLines(1), 1},
		{"graphite", 100_000, kafkaLines(100), 100},
		{"json", 1_000_000, kafkaJSON(), 1},
	} {
		topic := fmt.Sprintf("%s-%d", c.format, c.events)
		k.CreateTopic(topic, kafkaPartitions)
		fillTopic(b, k, topic, c.records, c.values)
		b.Run(topic, func(b *testing.B) {
			var t turns
			for range b.N {
				bare := readBare(b, k, topic, c.records, c.events)
				t.add(bare, readTopic(b, k, topic, c.format, "", c.records*c.events))
			}
			t.report(b)
		})
	}
}

// turns are what a bare client and Tocsin reached by turns. The machine is
// shared: what counts is the median of the shares, each of two that ran one after
// the other.
type turns struct{ bare, ours, share, bareCost, ourCost []float64 }

func (t *turns) add(bare, ours speed) {
	t.bare, t.ours = append(t.bare, bare.perSecond/1e6), append(t.ours, ours.perSecond/1e6)
	t.share = append(t.share, 100*ours.perSecond/bare.perSecond)
	t.bareCost, t.ourCost = append(t.bareCost, float64(bare.cost)), append(t.ourCost, float64(ours.cost))
}

func (t *turns) report(b *testing.B) {
	b.ReportMetric(median(t.bare), "bare-M/s")
	b.ReportMetric(median(t.ours), "tocsin-M/s")
	b.ReportMetric(median(t.share), "%")
	b.ReportMetric(slices.Min(t.share), "least-%")
	b.ReportMetric(slices.Max(t.share), "most-%")
	b.ReportMetric(median(t.bareCost), "bare-cpu-ns")
	b.ReportMetric(median(t.ourCost), "tocsin-cpu-ns")
	b.ReportMetric(0, "ns/op")
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return (of[(len(of)-1)/2] + of[len(of)/2]) / 2
}

// BenchmarkRealKafkaLag drains 10 GB that have waited, with two bounds on what
// waits in memory.
func BenchmarkRealKafkaLag(b *testing.B) {
	const records = 100_000_000
	k := programs.StartKafka(b)
	k.CreateTopic("lag", kafkaPartitions)
	fillTopic(b, k, "lag", records, kafkaLines(1))
	for _, bytes := range []int{4 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("fetch_bytes=%d", bytes), func(b *testing.B) {
			debug.FreeOSMemory()
			before, most := resident(), watchResident()
			var s speed
			for range b.N {
				s = readTopic(b, k, "lag", "graphite", fmt.Sprintf("fetch_bytes = %d, ", bytes), records)
			}
			b.ReportMetric(float64(before)/1e6, "MB-before")
			b.ReportMetric(float64(most())/1e6, "MB-at-most")
			b.ReportMetric(s.perSecond/1e6, "M/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// watchResident looks at the resident memory until the function that it returns
// is called, which tells the most.
func watchResident() func() int64 {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		m := resident()
		for {
			select {
			case <-stop:
				most <- m
				return
			case <-time.After(20 * time.Millisecond):
				m = max(m, resident())
			}
		}
	}()
	return func() int64 {
		close(stop)
		return <-most
	}
}

// kafkaLines are values of so many lines of 100 bytes each, of 10,000 series.
func kafkaLines(lines int) (values [][]byte) {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	for n, i := range rand.New(rand.NewPCG(1, 2)).Perm(10_000) {
		rest := fmt.Sprintf(" %g %s\n", float64(n%1000)/8, at)
		name := graphiteName(i)
		name += string(bytes.Repeat([]byte{'x'}, 100-len(name)-len(rest)))
		if n%lines == 0 {
			values = append(values, nil)
		}
		values[len(values)-1] = append(values[len(values)-1], name+rest...)
	}
	return values
}

// kafkaJSON are events as JSON, of 10,000 series.
func kafkaJSON() (values [][]byte) {
	at := time.Now().Unix()
	for n, i := range rand.New(rand.NewPCG(1, 2)).Perm(10_000) {
		values = append(values, fmt.Appendf(nil, `{"host":"host%05d.example.net","service":"cpu.%d.percent-user","state":"ok","metric":%g,"time":%d,"tags":["prod"]}`,
			i/100, i%100, float64(n%1000)/8, at))
	}
	return values
}

// fillTopic writes the values round and round.
func fillTopic(b *testing.B, k *programs.Kafka, topic string, records int, values [][]byte) {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerBatchMaxBytes(1<<20-100), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			b.Error(err)
		}
	}
	for i := range records {
		client.Produce(context.Background(), &kgo.Record{Value: values[i%len(values)]}, failed)
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// readBare counts the records of a topic, and does nothing else.
func readBare(b *testing.B, k *programs.Kafka, topic string, records, events int) speed {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	first := client.PollFetches(context.Background()) // to join takes its time, and is not measured
	start, cpu, at := time.Now(), cpuTime(), first.NumRecords()
	for n := at; n < records; {
		fetches := client.PollFetches(context.Background())
		if err := fetches.Err(); err != nil {
			b.Fatal(err)
		}
		n += fetches.NumRecords()
	}
	return speedOf((records-at)*events, start, cpu)
}

// readTopic has Tocsin read a topic from its begin, with the rules of
// gridRules, and with more options of the source.
func readTopic(b *testing.B, k *programs.Kafka, topic, format, options string, events int) speed {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as tocsin itself does
	if format == "graphite" {
		options += "templates = { 'host.service*' }, "
	}
	source := fmt.Sprintf("source.kafka { brokers = { %q }, topics = { %q }, group = '%d', start = 'earliest', format = %q, %s}\n",
		k.Plain, topic, time.Now().UnixNano(), format, options)
	r, err := newRig(source+"local out = sink.discard {}\n"+grid(100), true, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	for r.events() == 0 {
		<-time.After(time.Millisecond)
	}
	start, cpu, at := time.Now(), cpuTime(), int(r.events())
	for r.events() < int64(events) {
		<-time.After(time.Millisecond)
	}
	return speedOf(events-at, start, cpu)
}

func speedOf(events int, start time.Time, cpu time.Duration) speed {
	return speed{float64(events) / time.Since(start).Seconds(), (cpuTime() - cpu) / time.Duration(events)}
}
