package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins"
)

// numbered are n records of one event each, whose services are numbers from
// first on, spread over the partitions of topic t.
func numbered(first, n, partitions int) []*kgo.Record {
	var out []*kgo.Record
	for i := first; i < first+n; i++ {
		out = append(out, record("t", int32(i%partitions), fmt.Sprintf(`{"service":"%d","ttl":1000}`, i)))
	}
	return out
}

// each checks that each of the numbers below n came once.
func each(t *testing.T, n int, nodes ...*node) {
	t.Helper()
	for i := range n {
		sum := 0
		for _, n := range nodes {
			sum += n.count(fmt.Sprint(i))
		}
		if sum != 1 {
			t.Errorf("record %d counts %d times", i, sum)
		}
	}
}

// TestFormats has each format come in by its own name, and by auto.
func TestFormats(t *testing.T) {
	t.Parallel()
	for format, value := range map[string]string{
		"json":     `[{"host":"h","service":"s","metric":1},{"host":"h","service":"s2","metric":2}]`,
		"graphite": "s 1 1700000000\ns2 2 1700000000",
		"collectd": `[{"values":[1],"dstypes":["gauge"],"dsnames":["value"],"time":1700000000,"interval":10,"host":"h","plugin":"s","plugin_instance":"","type":"s","type_instance":""},` +
			`{"values":[2],"dstypes":["gauge"],"dsnames":["value"],"time":1700000000,"interval":10,"host":"h","plugin":"s2","plugin_instance":"","type":"s2","type_instance":""}]`,
		"riemann": "\x32\x07\x1a\x01s\x22\x02h1\x32\x08\x1a\x02s2\x22\x02h1",
	} {
		for _, name := range []string{format, "auto"} {
			b := newBroker(t, kfake.SeedTopics(1, "t"))
			b.produce(record("t", 0, value))
			o := b.options()
			o.Format = name
			n := b.start(storePath(t), o)
			n.awaitTotal(2)
			n.stop()
			if n.metric(`tocsin_source_kafka_bad_records_total{source="kafka",topic="t",partition="0"}`) != "0" {
				t.Errorf("%s as %s: %s", format, name, n.log)
			}
		}
	}
}

// TestTypesDB: a file says what the values of a type of one's own are called.
func TestTypesDB(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(record("t", 0, "PUTVAL h/p/mine 7:1:2\nPUTVAL h/p/load 7:1:2:3"))
	for _, format := range []string{"collectd", "auto"} {
		path := storePath(t)
		o := b.options()
		o.Format, o.Group, o.TypesDB = format, format, []string{"my.db"}
		env := plugins.Env{Name: "kafka", Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet(), Dir: filepath.Dir(path)}
		s, err := New(env, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot read types: open "+env.Dir) {
			t.Errorf("without the file: %v", err)
		}
		if err := os.WriteFile(filepath.Join(env.Dir, "my.db"), []byte("mine a:GAUGE:0:U, b:COUNTER:0:U\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		n := b.start(path, o)
		n.awaitTotal(5)
		n.stop()
		for _, service := range []string{"p/mine/a", "p/mine/b", "p/load/shortterm"} {
			if n.count(service) != 1 {
				t.Errorf("%s: no event of %s: %v", format, service, n.counts)
			}
		}
	}
}

// TestCrash kills the engine at random points, and adds records beside that.
// Each record counts once in what the streams know and in the index.
func TestCrash(t *testing.T) {
	t.Parallel()
	const partitions, rounds, perRound = 3, 12, 400
	b := newBroker(t, kfake.SeedTopics(partitions, "t"))
	path := storePath(t)
	for round := range rounds {
		n := b.start(path, b.options())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.produce(numbered(round*perRound, perRound, partitions)...)
		}()
		want := round*perRound + rand.IntN(perRound)
		n.awaitTotal(want)
		n.kill()
		<-ended
	}
	n := b.start(path, b.options())
	n.awaitTotal(rounds * perRound)
	b.produce(record("t", 0, `{"service":"end"}`)) // whatever came twice came before
	await(t, "the last record came", func() bool { return n.count("end") == 1 })
	size := 0
	if err := n.runner.Do(t.Context(), func(e *engine.Engine) { size = e.Index().Len() }); err != nil {
		t.Fatal(err)
	}
	n.stop()
	each(t, rounds*perRound, n)
	if size != rounds*perRound+1 {
		t.Errorf("the index has %d entries, want %d", size, rounds*perRound+1)
	}
}

// TestStop: after a stop in order the group knows all, and somebody without the
// store reads on there.
func TestStop(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(2, "t"))
	b.produce(numbered(0, 100, 2)...)
	n := b.start(storePath(t), b.options())
	n.awaitTotal(100)
	n.stop()
	if got := b.committed("t", 0) + b.committed("t", 1); got != 100 {
		t.Errorf("the group knows of %d records, want 100", got)
	}
	b.produce(numbered(100, 50, 2)...)
	other := b.start(storePath(t), b.options())
	other.awaitTotal(50)
	other.stop()
	each(t, 150, n, other)
}

// TestRebalance has a second member come and go. With what each of them keeps
// for itself, each record still counts once.
func TestRebalance(t *testing.T) {
	t.Parallel()
	const partitions, rounds = 4, 3
	b := newBroker(t, kfake.SeedTopics(partitions, "t"))
	n := b.start(storePath(t), b.options())
	path, sent := storePath(t), 0
	nodes := []*node{n}
	produce := func() {
		b.produce(numbered(sent, 200, partitions)...)
		sent += 200
	}
	produce()
	var other *node
	for range rounds {
		before := 0
		if other != nil {
			before = other.total()
		}
		other = b.start(path, b.options())
		if _, err := b.WaitGroupStable(t.Context(), "tocsin", 2); err != nil {
			t.Fatal(err)
		}
		produce()
		await(t, "the second member got something", func() bool {
			produce()
			return other.total() > before
		})
		other.stop()
		produce()
	}
	nodes = append(nodes, other)
	await(t, "all came", func() bool { return n.total()+other.total() >= sent })
	n.stop()
	each(t, sent, nodes...)
}

// TestRunAgainBesideTheOld has a source run again while the one before cannot end,
// since the engine stands: what that one has read, and nobody has served, is not
// read again.
func TestRunAgainBesideTheOld(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	o := b.options()
	o.InstanceID = "one" // which has the partitions at once
	n := b.start(storePath(t), o)
	b.produce(numbered(0, 10, 1)...)
	n.awaitTotal(10)
	read := func() string {
		return n.metric(`tocsin_source_kafka_records_total{source="kafka",topic="t",partition="0"}`)
	}

	free := n.hold()
	b.produce(numbered(10, 100, 1)...)
	await(t, "all is read", func() bool { return read() == "110" })
	n.end()
	again, err := New(n.env, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	n.runSource(ctx, again)
	b.produce(numbered(110, 10, 1)...)
	await(t, "it is read on", func() bool { return read() != "110" })
	free()
	n.awaitTotal(120)
	end()
	n.stop()
	each(t, 120, n)
}

// TestStart begins at each of the places that start can name.
func TestStart(t *testing.T) {
	t.Parallel()
	f := func(start any, first int) {
		t.Helper()
		b := newBroker(t, kfake.SeedTopics(1, "t"))
		old, late := numbered(0, 10, 1), numbered(10, 10, 1)
		for _, r := range old {
			r.Timestamp = time.Now().Add(-time.Hour)
		}
		b.produce(append(old, late...)...)
		o := b.options()
		o.Start = start
		path := storePath(t)
		n := b.start(path, o)
		await(t, "the group knows where it begins", func() bool { return b.committed("t", 0) >= int64(first) })
		n.kill()
		b.produce(numbered(20, 10, 1)...) // between the two
		n = b.start(path, o)
		n.awaitTotal(30 - first)
		n.stop()
		if n.total() != 30-first || n.count(fmt.Sprint(first)) != 1 {
			t.Errorf("start = %v: %d events, want %d", start, n.total(), 30-first)
		}
	}
	f("earliest", 0)
	f("latest", 20)
	f(-60.0, 10)
	f(float64(time.Now().Add(-2*time.Hour).Unix()), 0)
	f(float64(time.Now().Add(time.Hour).Unix()), 20)
}

// TestLateTopic: of a topic that is made after the source began, latest leaves
// nothing out, and it is read soon. Until then, an event tells that it is not
// there.
func TestLateTopic(t *testing.T) {
	t.Parallel()
	for _, topics := range [][]string{{"t"}, {"t", "/^shop/"}} {
		t.Run(strings.Join(topics, " "), func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			o := b.options()
			o.Start, o.Topics = "latest", topics
			n := b.start(storePath(t), o)
			n.awaitTold("critical: a topic cannot be read: UNKNOWN_TOPIC_OR_PARTITION")
			if err := b.CreateTopic("t", 1, nil); err != nil {
				t.Fatal(err)
			}
			b.produce(numbered(0, 10, 1)...)
			n.awaitTotal(10)
			n.awaitTold("ok: a topic can be read")
			n.stop()
		})
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "shop.a", "shop.b", "other", "t"))
	for _, topic := range []string{"shop.a", "shop.b", "other", "t"} {
		b.produce(record(topic, 0, `{"service":"`+topic+`"}`))
	}
	o := b.options()
	o.Topics = []string{`/^shop\./`, "t"}
	n := b.start(storePath(t), o)
	n.awaitTotal(3)
	n.stop()
	if n.count("shop.a") != 1 || n.count("shop.b") != 1 || n.count("t") != 1 || n.count("other") != 0 {
		t.Errorf("got %v", n.counts)
	}
}

// TestEvent says what of a record an event has.
func TestEvent(t *testing.T) {
	t.Parallel()
	f := func(key, headers any, value string, want string) {
		t.Helper()
		b := newBroker(t, kfake.SeedTopics(1, "t"))
		r := record("t", 0, value)
		r.Timestamp = time.Unix(1700000000, 0)
		r.Key = []byte("k\x00\xff")
		r.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte("1")}, {Key: "host", Value: []byte("2")}, {Key: "own", Value: []byte("3")}}
		b.produce(r)
		o := b.options()
		o.Key, o.Headers = key, headers
		n := b.start(storePath(t), o)
		n.awaitTotal(1)
		n.stop()
		if got := string(engine.AppendJSON(nil, &n.last)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	value := `{"service":"s","own":"x","tags":["a"]}`
	f(nil, nil, value, `{"service":"s","time":1700000000,"tags":["a"],"own":"x"}`)
	f(true, false, value, `{"service":"s","time":1700000000,"tags":["a"],"key":"k �","own":"x"}`)
	f("customer", list("trace", "none"), value, `{"service":"s","time":1700000000,"tags":["a"],"customer":"k �","own":"x","trace":"1"}`)
	f(nil, true, value, `{"service":"s","time":1700000000,"tags":["a"],"header_host":"2","own":"3","trace":"1"}`)
	f(nil, nil, `{"service":"s","time":1600000000}`, `{"service":"s","time":1600000000}`)
}

// TestPoison: what makes no event goes to the dead letters, and what is beside it
// comes in.
func TestPoison(t *testing.T) {
	t.Parallel()
	produce := func(b *broker) {
		b.produce(
			record("t", 0, `{"service":"1"}`),
			record("t", 0, "bad \xff"),
			record("t", 0, `[{"service":"2"},{"service":3}]`),
			record("t", 0, strings.Repeat("x", 10<<20)),
			&kgo.Record{Topic: "t"}, // a tombstone
			record("t", 0, `{"service":"4"}`),
		)
	}
	check := func(n *node) {
		t.Helper()
		await(t, "the good ones came", func() bool { return n.count("4") == 1 })
		n.stop()
		if n.total() != 3 {
			t.Errorf("got %v", n.counts)
		}
		if got := n.metric(`tocsin_source_kafka_bad_records_total{source="kafka",topic="t",partition="0"}`); got != "3" {
			t.Errorf("%s bad records, want 3", got)
		}
		if got := n.metric(`tocsin_source_kafka_dead_letters_total{source="kafka"}`); got != "3" {
			t.Errorf("%s dead letters are counted, want 3", got)
		}
	}
	b := newBroker(t, kfake.SeedTopics(1, "t"), kfake.BrokerConfigs(map[string]string{"message.max.bytes": "33554432"}))
	produce(b)
	path := storePath(t)
	o := b.options()
	o.DeadLetter = "file:dead.jsonl"
	n := b.start(path, o)
	check(n)
	lines := strings.Split(strings.TrimSpace(readFile(t, filepath.Join(filepath.Dir(path), "dead.jsonl"))), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d dead letters", len(lines))
	}
	var first letter
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if string(first.Base64) != "bad \xff" || first.Topic != "t" || first.Offset != 1 || first.Reason == "" {
		t.Errorf("got %+v", first)
	}
	if !strings.Contains(lines[2], "more than record_bytes") {
		t.Errorf("the large record's reason is not told: %.300s", lines[2])
	}

	if err := b.CreateTopic("dead", 1, map[string]string{"max.message.bytes": "33554432"}); err != nil {
		t.Fatal(err)
	}
	o.DeadLetter, o.Group = "topic:dead", "another"
	n = b.start(storePath(t), o)
	check(n)
	b.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{"dead": {0: kgo.NewOffset().AtStart()}})
	var letters []*kgo.Record
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(letters) < 3 && ctx.Err() == nil {
		letters = append(letters, b.client.PollFetches(ctx).Records()...)
	}
	if len(letters) != 3 || string(letters[0].Value) != "bad \xff" {
		t.Fatalf("%d dead letters", len(letters))
	}
	var got []string
	for _, h := range letters[0].Headers {
		got = append(got, h.Key+"="+string(h.Value))
	}
	if text := strings.Join(got, " "); !strings.HasPrefix(text, "tocsin_topic=t tocsin_partition=0 tocsin_offset=1 tocsin_reason=") {
		t.Errorf("got headers %s", text)
	}
}
