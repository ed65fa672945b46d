package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaRules tell what comes of a service, and when a host goes silent.
const kafkaRules = `
local a = sink.log { name = "a" }
events:where 'service = "http" or expired':to(a)
`

// kafkaTopic starts a broker and returns its address, and what writes a value into
// a partition of the topic "metrics" at a time in seconds.
func kafkaTopic(t *testing.T) (broker string, put func(partition int32, at float64, value string)) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "metrics"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return cluster.ListenAddrs()[0], func(partition int32, at float64, value string) {
		t.Helper()
		r := &kgo.Record{Topic: "metrics", Partition: partition, Timestamp: time.UnixMilli(int64(at * 1000)), Value: []byte(value)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReplayOfKafka(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", kafkaRules)
	broker, put := kafkaTopic(t)
	put(0, 1700000000, `{"host":"x","service":"http","metric":1,"time":1700000000}`)
	put(0, 1700000002.5, `[{"host":"x","service":"http","metric":3,"time":1700000002},{"host":"x","service":"http","metric":4}]`)
	put(1, 1700000001, "http 2 1700000001\nhttp bad 1700000001\n")
	put(1, 1700001000, "http;host=y 5 1700001000\n")
	event := func(fields string) string { return `{"sink":"a","event":{` + fields + "}}\n" }
	one := event(`"host":"x","service":"http","time":1700000000,"metric":1`)
	two := event(`"service":"http","time":1700000001,"metric":2`)
	three := event(`"host":"x","service":"http","time":1700000002,"metric":3`)
	four := event(`"host":"x","service":"http","time":1700000002.5,"metric":4`)
	expired := event(`"service":"http","state":"expired","time":1700000061`) + event(`"host":"x","service":"http","state":"expired","time":1700000062.5`)
	five := event(`"host":"y","service":"http","time":1700001000,"metric":5`)
	const skipped = "1 piece of the recording %q made no event; the first: partition 1, offset 0: line 2: the value is not a finite number\n"
	from := "kafka://" + broker + "/metrics"
	for _, c := range []struct {
		name, want string
		flags      []string
		quiet      bool
	}{
		{"whole", one + two + three + four + expired + five, nil, false},
		{"again", one + two + three + four + expired + five, nil, false},
		{"between", two + three, []string{"--since", "1700000001", "--until", "1700000002.2"}, false},
		{"after", five, []string{"--since", "1700000900"}, true},
		{"since ever", one + two + three + four + expired + five, []string{"--since", "5200w"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runLine(t, "", append([]string{"replay", rulesFile, "--from", from}, c.flags...)...)
			wantErr := "tocsin: " + fmt.Sprintf(skipped, from)
			if c.quiet {
				wantErr = ""
			}
			if r.code != exitOK || r.err != wantErr || r.out != c.want {
				t.Errorf("code %d, %s, got\n%swant\n%s", r.code, r.err, r.out, c.want)
			}
		})
	}
	r := runLine(t, "", "replay", rulesFile, "--from", from+"?format=json")
	if r.code != exitOK || r.out != one+three+four || !strings.Contains(r.err, "2 pieces") {
		t.Errorf("as JSON: code %d, %s, %s", r.code, r.err, r.out)
	}
	r = runLine(t, "", "replay", rulesFile, "--from", from, "--diff", rulesFile)
	if r.code != exitOK || r.out != "" {
		t.Errorf("--diff: code %d, %s, %s", r.code, r.err, r.out)
	}
}

// TestReplayOfKafkaWithoutTimes: a record without a time gives its events none.
func TestReplayOfKafkaWithoutTimes(t *testing.T) {
	broker, put := kafkaTopic(t)
	put(0, 1700000000, `{"service":"http","metric":1,"time":1700000005}`)
	put(0, -0.001, `{"service":"http","metric":2}`)
	want := `{"sink":"a","event":{"service":"http","time":1700000005,"metric":1}}
{"sink":"a","event":{"service":"http","time":1700000005,"metric":2}}
`
	r := runLine(t, "", "replay", writeFile(t, "rules.lua", kafkaRules), "--from", "kafka://"+broker+"/metrics")
	if r.code != exitOK || r.out != want {
		t.Errorf("code %d, %s, got\n%swant\n%s", r.code, r.err, r.out, want)
	}
}

// TestReplayOfKafkaAsItsSource wants events as the source of the rules file makes
// them, with its brokers, names, tags and stream.
func TestReplayOfKafkaAsItsSource(t *testing.T) {
	broker, put := kafkaTopic(t)
	put(0, 1700000000, "app3.http 1 1700000000\n")
	put(1, 1700000001, "PUTVAL h/p/mine 1700000001:1:U\n")
	rulesFile := writeFile(t, "rules.lua", fmt.Sprintf(`
source.kafka { name = "a", brokers = { %[1]q }, topics = { "other" }, format = "graphite", templates = { "host.service" }, tags = { "a" }, ttl = 7, key = true,
  through = function(s) return s:with { via = "through" } end }
source.kafka { name = "b", brokers = { "nobody:9" }, topics = { "other" }, format = "json", tags = { "b" } }
source.kafka { name = "c", brokers = { %[1]q }, topics = { "other" }, format = "collectd", types_db = { "my.db" } }
events:to(sink.log {})
`, broker))
	if err := os.WriteFile(filepath.Join(filepath.Dir(rulesFile), "my.db"), []byte("mine a:GAUGE:0:U, b:GAUGE:0:U\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `{"sink":"log","event":{"host":"app3","service":"http","time":1700000000,"metric":1,"ttl":7,"tags":["a"],"via":"through"}}` + "\n"
	mine := func(service, more string) string {
		return `{"sink":"log","event":{"host":"h","service":"p/mine/` + service + `","time":1700000001,"metric":1,` + more + `,"plugin":"p","type":"mine"}}` + "\n"
	}
	for from, want := range map[string]string{
		"kafka:///metrics?source=a":                           want,
		"kafka://" + broker + "/metrics?source=a":             want,
		"kafka://" + broker + "/metrics?source=b":             "",
		"kafka://" + broker + "/metrics?source=b&format=auto": `{"sink":"log","event":{"service":"app3.http","time":1700000000,"metric":1,"tags":["b"]}}` + "\n" + mine("0", `"tags":["b"],"ds_name":"0"`),
		"kafka://" + broker + "/metrics":                      `{"sink":"log","event":{"service":"app3.http","time":1700000000,"metric":1}}` + "\n" + mine("0", `"ds_name":"0"`),
		"kafka:///metrics?source=c":                           mine("a", `"ds_name":"a","ds_type":"gauge"`),
	} {
		if r := runLine(t, "", "replay", rulesFile, "--from", from); r.code != exitOK || r.out != want {
			t.Errorf("%s: code %d, %s, got\n%swant\n%s", from, r.code, r.err, r.out, want)
		}
	}
}

// TestReplayOfKafkaBehindAPassword wants the connection of what in the rules file
// has the broker, and the secret of the environment.
func TestReplayOfKafkaBehindAPassword(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "metrics"), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "ops", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	broker := cluster.ListenAddrs()[0]
	sasl := func(secret string) string {
		return fmt.Sprintf(`brokers = { "nobody", %q }, sasl = { mechanism = "scram-sha-256", user = "ops", password = secret %q }`, broker, secret)
	}
	source := func(name, secret string) string {
		return fmt.Sprintf("source.kafka { name = %q, topics = { 'x' }, %s }\n", name, sasl(secret))
	}
	const other = "source.kafka { name = 'other', brokers = { 'other' }, topics = { 'x' } }\n"
	t.Setenv("KAFKA_RIGHT", "right")
	f := func(rules, address, want string) {
		t.Helper()
		file := writeFile(t, "rules.lua", "sink.pagerduty { routing_key = secret 'NONE' }\n"+rules)
		for _, line := range [][]string{
			{"replay", file, "--from", address},
			{"record", "--rules", file, "--from", address, "--to", filepath.Join(t.TempDir(), "to.jsonl")},
			{"check", file, "--recording", address},
		} {
			r := runLine(t, "", line...)
			if (r.code == exitOK) != (want == "") || !strings.Contains(r.err, want) {
				t.Errorf("%s, %s: code %d, %s, want %q", rules, line, r.code, r.err, want)
			}
		}
	}
	named := "kafka://" + broker + "/metrics"
	f(other+source("mine", "KAFKA_RIGHT"), named, "")
	f(other+source("mine", "KAFKA_RIGHT"), "kafka:///metrics?source=mine", "")
	f(source("mine", "KAFKA_RIGHT"), "kafka:///metrics", "")
	f(source("bad", "KAFKA_WRONG")+source("mine", "KAFKA_RIGHT"), named+"?source=mine", "")
	f(other+"sink.kafka { topic = 'metrics', "+sasl("KAFKA_RIGHT")+"}", named, "")
	f(source("mine", "KAFKA_WRONG"), named, "sasl.password is empty: secret KAFKA_WRONG has no value")
	f(other, named, "it may want tls or sasl at this port; tls and sasl are those of a source.kafka or sink.kafka of the rules file with this broker")
}

func TestReplayOfKafka_Failure(t *testing.T) {
	rulesFile := writeFile(t, "rules.lua", kafkaRules)
	broker, _ := kafkaTopic(t)
	f := func(from, want string) {
		t.Helper()
		r := runLine(t, "", "replay", rulesFile, "--from", from)
		if r.code != exitFailed || !strings.Contains(r.err, fmt.Sprintf("cannot open recording %q: ", from)) || !strings.Contains(r.err, want) {
			t.Errorf("%s: code %d, %s", from, r.code, r.err)
		}
	}
	f("kafka://"+broker, "it names no topic")
	f("kafka://"+broker+"/", "it names no topic")
	f("kafka:///metrics", "it names no brokers")
	f("kafka://me:secret@"+broker+"/metrics", "do not belong on a command line")
	f("kafka://"+broker+"/metrics?fromat=json", `unknown option "fromat"; did you mean "format"?`)
	f("kafka://"+broker+"/metrics?format=xml", `no such format "xml"`)
	f("kafka://"+broker+"/metrics?source=mine", `there is no source.kafka with the name "mine"`)
	f("kafka://"+broker+"/metrix", "there is no such topic")
	f("kafka://a:b:c/metrics", "is not a broker")
}

func TestRecord(t *testing.T) {
	broker, put := kafkaTopic(t)
	for i := range 5 {
		put(int32(i%2), float64(1700000000+i), fmt.Sprintf("http.%d 1.5 %d", i, 1700000000+i))
	}
	lines := writeFile(t, "lines.txt", "cpu 2 1700000001.5\nlate 2\n")
	rulesFile := writeFile(t, "rules.lua", `
source.graphite { templates = { "service.number" }, tags = { "lines" }, ttl = 30 }
`)
	dir := t.TempDir()
	want := `{"service":"http.1","time":1700000001,"metric":1.5}
{"service":"cpu","time":1700000001.5,"metric":2,"ttl":30,"tags":["lines"]}
{"service":"late","metric":2,"ttl":30,"tags":["lines"]}
{"service":"http.2","time":1700000002,"metric":1.5}
{"service":"http.3","time":1700000003,"metric":1.5}
`
	var packed []string
	for _, name := range []string{"a.jsonl", "b.jsonl", "a.jsonl.gz", "b.jsonl.gz", "a.jsonl.zst", "b.jsonl.zst"} {
		path := filepath.Join(dir, name)
		r := runLine(t, "", "record", "--from", "kafka://"+broker+"/metrics", "--from", lines, "--rules", rulesFile,
			"--since", "1700000001", "--until", "1700000004", "--to", path)
		if r.code != exitOK || r.err != "" || r.out != path+": 5 events, 2023-11-14T22:13:21.000Z to 2023-11-14T22:13:23.000Z\n" {
			t.Fatalf("code %d, %s, %s", r.code, r.err, r.out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, string(data))
		again := filepath.Join(dir, "again-"+name+".jsonl")
		if r := runLine(t, "", "record", "--from", path, "--to", again); r.code != exitOK {
			t.Fatal(r.err)
		}
		if data, _ := os.ReadFile(again); string(data) != want {
			t.Errorf("%s: got %s", name, data)
		}
	}
	for i := 0; i < len(packed); i += 2 {
		if packed[i] != packed[i+1] {
			t.Errorf("two recordings differ: %q and %q", packed[i], packed[i+1])
		}
	}
}

func TestRecord_Failure(t *testing.T) {
	dir := t.TempDir()
	to, events := filepath.Join(dir, "to.jsonl"), writeFile(t, "events.jsonl", "{\"host\":\"a\",\"time\":1}\n")
	f := func(want string, flags ...string) {
		t.Helper()
		if r := runLine(t, "", append([]string{"record", "--to", to}, flags...)...); r.code == exitOK || !strings.Contains(r.err, want) {
			t.Errorf("code %d, %s, want %q", r.code, r.err, want)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%v is left behind", entries)
		}
	}
	f("cannot open recording", "--from", filepath.Join(dir, "none"))
	f("not a recording of any known format", "--from", writeFile(t, "bad", "\x00\x01"))
	f("--since", "--from", events, "--since", "yesterday")
	f("cannot read", "--from", events, "--rules", filepath.Join(dir, "none.lua"))

	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := runLine(t, "", "record", "--from", events, "--to", to)
	if data, _ := os.ReadFile(to); r.code != exitFailed || !strings.Contains(r.err, "exists; --force overwrites it") || string(data) != "precious" {
		t.Errorf("code %d, %s: %s", r.code, r.err, data)
	}
	r = runLine(t, "", "record", "--from", events, "--to", to, "--force")
	if data, _ := os.ReadFile(to); r.code != exitOK || string(data) != "{\"host\":\"a\",\"time\":1}\n" {
		t.Errorf("code %d, %s: %s", r.code, r.err, data)
	}
}
