//go:build real

package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/bench/programs"
)

// produce writes values as the records of one batch.
func produce(t *testing.T, k *programs.Kafka, topic string, codec kgo.CompressionCodec, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(20*time.Millisecond),
		kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(32<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, kgo.StringRecord(value))
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// deadLetter is what a test compares of a dead letter.
type deadLetter struct {
	Topic  string
	Offset int
	Reason string
}

// lettersOfFile returns the dead letters of a file, and their values.
func lettersOfFile(t *testing.T, path string) (letters []deadLetter, values []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l struct {
			deadLetter
			Value string
			Bytes []byte `json:"value_base64"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %.300s", err, line)
		}
		letters, values = append(letters, l.deadLetter), append(values, l.Value+string(l.Bytes))
	}
	return letters, values
}

var letterHeaders = regexp.MustCompile(`^(\d+) tocsin_topic=([^,]+),tocsin_partition=0,tocsin_offset=(\d+),tocsin_reason=(.*)$`)

// lettersOfTopic returns the dead letters of a topic, as kcat sees them, and the
// sizes of their values.
func lettersOfTopic(t *testing.T, k *programs.Kafka, topic string) (letters []deadLetter, sizes []int) {
	t.Helper()
	for line := range strings.Lines(k.Consume(topic, "-f", `%S %h\n`)) {
		found := letterHeaders.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			t.Fatalf("what is this dead letter: %.300s", line)
		}
		size, _ := strconv.Atoi(found[1])
		offset, _ := strconv.Atoi(found[3])
		letters, sizes = append(letters, deadLetter{found[2], offset, found[4]}), append(sizes, size)
	}
	return letters, sizes
}

// badValue is a record's value, and what is wrong with it.
type badValue struct{ value, reason string }

// poison has, for each format, what is good, and what makes no event, or not
// only: there GOOD stands for what is good in it.
var poison = map[string]struct {
	good func(metric int) string
	bad  []badValue
}{
	"json": {
		good: func(metric int) string { return fmt.Sprintf(`{"service":"s","metric":%d}`, metric) },
		bad: []badValue{
			{"hello", `event 1: cannot read event: invalid character 'h' looking for beginning of value (at byte 1)`},
			{`{"service":"s","metric":`, `event 1: cannot read event: unexpected end of JSON input (at byte 24)`},
			{`[{"service":3},GOOD]`, `event 1: cannot read event: key "service": expected a string, got the number 3`},
			{"GOOD\n\xff\n", `event 2: cannot read event: invalid character 'ÿ' looking for beginning of value (at byte 1)`},
		},
	},
	"graphite": {
		good: func(metric int) string { return fmt.Sprintf("s %d 1700000000", metric) },
		bad: []badValue{
			{"s", `line 1: the line has no value`},
			{"s x 1700000000\nGOOD\n", `line 1: the value is not a finite number`},
			{"GOOD\ns 1 yesterday\ns 1 2 3 4", `2 parts make no event; the first: line 2: the time is not a number of seconds since 1970`},
			{"\x00\xff", `line 1: the line has no value`},
		},
	},
	"collectd": {
		good: func(metric int) string { return fmt.Sprintf("PUTVAL h/p/gauge interval=10 1700000000:%d", metric) },
		bad: []badValue{
			{"GETVAL h/p/gauge", `line 1: expected "PUTVAL host/plugin-instance/type-instance interval=SECONDS TIME:VALUE"`},
			{"PUTVAL h/p\nGOOD", `line 1: its name is not of the form host/plugin-instance/type-instance`},
			{`[{"values":[1],"dstypes":["gouge"],"dsnames":["value"],"time":1700000000,"host":"h","plugin":"p","type":"gauge"}]`, `value list 1: a dstype is "gouge", expected gauge, counter, derive or absolute`},
			{`[{"values":[1`, `value list 1: expected a comma or ] behind it, so what follows is not read (at byte 14)`},
		},
	},
	"riemann": {
		good: func(metric int) string { // Msg{events: {service "s", metric_sint64}}
			return "\x32\x05\x1a\x01s\x68" + string(rune(2*metric))
		},
		bad: []badValue{
			{"hello", `event 1: the protobuf message is broken`},
			{"GOOD\x32\x7f", `event 2: the protobuf message is broken`},
			{"\x32\x02\x40\x01GOOD", `event 1: field 8 is of another type`},
		},
	},
	"auto": {
		good: func(metric int) string { return fmt.Sprintf(`[{"service":"s","metric":%d}]`, metric) },
		bad: []badValue{
			{"{", `event 1: cannot read event: unexpected end of JSON input (at byte 1)`},
			{"PUTVAL h/p/gauge x:1", `line 1: the time is not a number of seconds since 1970`},
			{`[{"values":[]}]`, `value list 1: it has no host`},
			{"what is this", `line 1: the value is not a finite number`},
		},
	},
}

// testKafkaPoison has records that make no event go to a topic and to a file, in
// each format, while those between count in their order.
func testKafkaPoison(t *testing.T, k *programs.Kafka) {
	var sources strings.Builder
	var want []deadLetter
	goods := make(map[string][]int)
	k.CreateTopic("poison-dead", 1)
	for format, p := range poison {
		topic, metric := "poison-"+format, 1
		values := []string{p.good(metric)}
		for _, bad := range p.bad {
			if strings.Contains(bad.value, "GOOD") {
				metric++
			}
			want = append(want, deadLetter{topic, len(values), bad.reason})
			values = append(values, strings.Replace(bad.value, "GOOD", p.good(metric), 1))
			metric++
			values = append(values, p.good(metric))
		}
		k.CreateTopic(topic, 1)
		produce(t, k, topic, kgo.SnappyCompression(), values...)
		for _, where := range []string{"topic:poison-dead", "file:dead.jsonl"} {
			name := format + " " + where
			fmt.Fprintf(&sources, "source.kafka { name = %q, brokers = { %q }, topics = { %q }, group = %[1]q, format = %[4]q, start = 'earliest', tags = { %[1]q }, dead_letter = %[5]q }\n",
				name, k.Plain, topic, format, where)
			for i := range metric {
				goods[name] = append(goods[name], i+1)
			}
		}
	}
	r := newReader(t, "%sevents:where 'metric > 0':to(sink.file { path = 'good.jsonl' })", sources.String())
	dir := filepath.Dir(r.file)
	r.start()
	var got map[string][]int
	programs.Until(t, "what is good is there", func() bool {
		got = metricsByTag(t, filepath.Join(dir, "good.jsonl"))
		return maps.EqualFunc(got, goods, func(got, want []int) bool { return len(got) >= len(want) })
	})
	r.stop()
	if !maps.EqualFunc(got, goods, slices.Equal) {
		t.Errorf("the metrics are %v", got)
	}
	ofFile, _ := lettersOfFile(t, filepath.Join(dir, "dead.jsonl"))
	ofTopic, _ := lettersOfTopic(t, k, "poison-dead")
	for where, letters := range map[string][]deadLetter{"file": ofFile, "topic": ofTopic} {
		// Those of one partition are in its order.
		slices.SortStableFunc(letters, func(a, b deadLetter) int { return strings.Compare(a.Topic, b.Topic) })
		slices.SortStableFunc(want, func(a, b deadLetter) int { return strings.Compare(a.Topic, b.Topic) })
		if !slices.Equal(letters, want) {
			t.Errorf("%s: got dead letters\n%+v\nwant\n%+v", where, letters, want)
		}
	}
}

// metricsByTag returns the metrics of the events in a file, by their only tags.
func metricsByTag(t *testing.T, path string) map[string][]int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]int)
	for line := range strings.Lines(string(text)) {
		var e struct {
			Metric int
			Tags   []string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			break // it is half written
		}
		out[e.Tags[0]] = append(out[e.Tags[0]], e.Metric)
	}
	return out
}

// testKafkaLarge has a record of 10 MB between small ones: it counts where
// record_bytes allows it, and is a dead letter elsewhere.
func testKafkaLarge(t *testing.T, k *programs.Kafka) {
	const lines = 10_000
	line := "large." + strings.Repeat("x", 1000) + " 1 1700000000\n"
	value, small := strings.Repeat(line, lines), "small 1 1700000000"
	k.CreateTopic("large", 1, "max.message.bytes=20000000")
	k.CreateTopic("large-dead", 1, "max.message.bytes=20000000")
	for _, v := range []string{small, value, small} {
		produce(t, k, "large", kgo.NoCompression(), v)
	}
	var rules strings.Builder
	counts := map[string]int{"raised": lines + 2, "topic": 2, "file": 2}
	for name, more := range map[string]string{
		"raised": "record_bytes = 16777216", "topic": "dead_letter = 'topic:large-dead'", "file": "dead_letter = 'file:large.jsonl'",
	} {
		fmt.Fprintf(&rules, `
source.kafka { name = %q, brokers = { %q }, topics = { "large" }, group = %[1]q, start = "earliest", tags = { %[1]q }, %[3]s }
events:where 'tagged %[1]q':counter():with { host = %[1]q, service = "count" }:index()
`, name, k.Plain, more)
	}
	r := newReader(t, "%s", rules.String())
	r.start()
	for name, count := range counts {
		r.await(fmt.Sprintf("host = %q and metric = %d", name, count), 1)
	}
	r.stop()
	want := []deadLetter{{"large", 1, fmt.Sprintf("the record has %d bytes, more than record_bytes (4194304)", len(value))}}
	if letters, sizes := lettersOfTopic(t, k, "large-dead"); !slices.Equal(letters, want) || sizes[0] != len(value) {
		t.Errorf("topic: got %v, %v bytes", letters, sizes)
	}
	if letters, values := lettersOfFile(t, filepath.Join(filepath.Dir(r.file), "large.jsonl")); !slices.Equal(letters, want) || values[0] != value {
		t.Errorf("file: got %v", letters)
	}
}

// headBytes is how long the head of a batch is, before its records.
const headBytes = 61

// flipped has a bit flipped, as by a disk.
func flipped(batch []byte) []byte {
	batch[len(batch)-2] ^= 4
	return batch
}

// truncated has only half of its packed records, and a checksum of that.
func truncated(batch []byte) []byte {
	batch = batch[:headBytes+(len(batch)-headBytes)/2]
	binary.BigEndian.PutUint32(batch[8:], uint32(len(batch)-12))
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	return batch
}

// damages are batches that a disk gives back other than they were written. A
// broker takes none of them from a client: it unpacks what it is sent.
var damages = []struct {
	codec  kgo.CompressionCodec
	damage func(batch []byte) []byte
}{
	{kgo.NoCompression(), flipped},
	{kgo.ZstdCompression(), flipped},
	{kgo.GzipCompression(), truncated},
	{kgo.SnappyCompression(), truncated},
	{kgo.Lz4Compression(), truncated},
	{kgo.ZstdCompression(), truncated},
}

// TestRealKafkaDamage has good batches between damaged ones. They all count, also
// after a crash, and an event tells of each damaged one.
func TestRealKafkaDamage(t *testing.T) {
	t.Parallel()
	const lost = 3 // records of a damaged batch
	k := programs.NewKafka(t)
	k.Start()
	k.CreateTopic("damaged", 1)
	produce(t, k, "damaged", kgo.NoCompression(), numbered(0, 10))
	good := 10
	for _, d := range damages {
		produce(t, k, "damaged", d.codec, slices.Repeat([]string{strings.Repeat("lost 1 1700000000\n", 10)}, lost)...)
		produce(t, k, "damaged", d.codec, numbered(good, 10))
		good += 10
	}
	k.Stop()
	k.Damage("damaged", 0, func(batches [][]byte) {
		for i, d := range damages {
			batches[2*i+1] = d.damage(batches[2*i+1])
		}
	})
	k.Start()
	r := newReader(t, `source.kafka { brokers = { %q }, topics = { "damaged" }, instance_id = "one", start = "earliest" }
`+countingRules+`
events:where 'service = "tocsin kafka" and state = "warning"':map(function(e) return e:with { service = e.description } end):index()
`, k.Plain)
	r.start()
	r.awaitCount(good)
	for i := range damages {
		r.await(fmt.Sprintf(`service =~ "a batch that cannot be read was left out: %d records are missing, from offset %d"`, lost, 1+i*(lost+1)), 1)
	}
	r.kill()
	r.start()
	k.Produce("damaged", numbered(good, 10))
	r.awaitCount(good + 10)
	r.stop()
	replayed := runLine(t, "", "replay", writeFile(t, "rules.lua", "events:to(sink.log {})"), "--from", "kafka://"+k.Plain+"/damaged")
	if replayed.code != exitFailed || strings.Count(replayed.out, "\n") != 10 || !strings.Contains(replayed.err, "to the end: cannot fetch partition 0 from offset 1: ") {
		t.Errorf("a replay up to the damage: code %d, %s\n%s", replayed.code, replayed.err, replayed.out)
	}
}
