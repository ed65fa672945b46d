//go:build real

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/bench/programs"
)

// numberedSource reads numbered lines of a topic, from its begin.
const numberedSource = `source.kafka { brokers = { %q }, topics = { %q }, group = %[2]q, start = "earliest" }
`

// testKafkaKcat has kcat write a record of each format.
func testKafkaKcat(t *testing.T, k *programs.Kafka) {
	formats := map[string]string{
		"json":     `[{"host":"a","service":"f","metric":1},{"host":"b","service":"f","metric":1}]`,
		"graphite": "f 1 -1",
		"collectd": "PUTVAL c/f/gauge interval=3600 1795158059.529:1",
		"riemann":  "\x32\x11\x1a\x01f\x22\x02rh\x7d\x00\x00\x80\x3f\x45\x00\x00\x61\x45", // Msg{events: {service "f", host "rh", metric_f 1, ttl 3600}}
	}
	var sources strings.Builder
	for format := range formats {
		k.CreateTopic("format-"+format, 1)
		fmt.Fprintf(&sources, "source.kafka { name = %q, brokers = { %q }, topics = { %q }, group = %[1]q, format = %[1]q, start = 'earliest' }\n",
			format, k.Plain, "format-"+format)
	}
	fmt.Fprintf(&sources, "source.kafka { name = 'auto', brokers = { %q }, topics = { '/^format-/' }, group = 'auto', tags = { 'auto' }, start = 'earliest' }\n", k.Plain)
	r := newReader(t, "%s", sources.String()+`
local all = events:where 'service =~ "f%"'
all:where 'tagged "auto"':by("host"):counter():with { service = "auto" }:index()
all:where 'not tagged "auto"':by("host"):counter():with { service = "one" }:index()
`)
	for format, value := range formats {
		k.Produce("format-"+format, value+"\n")
	}
	r.start()
	r.await(`service = "one" and metric = 1`, 5)
	r.await(`service = "auto" and metric = 1`, 5)
	r.stop()
}

// secureSources are the sources that read a topic by each of the broker's secure
// ports, by their names. The password is the secret KAFKA_PASSWORD.
func secureSources(k *programs.Kafka, topic string) map[string]string {
	source := func(name, broker, more string) string {
		return fmt.Sprintf("source.kafka { name = %q, brokers = { %q }, topics = { %q }, group = %[1]q, start = 'earliest', tags = { %[1]q }, %[4]s }\n",
			name, broker, topic, more)
	}
	out := map[string]string{"tls": source("tls", k.TLS, fmt.Sprintf("tls = { ca = %q, cert = %q, key = %q }", k.CA, k.Cert, k.Key))}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		out[mechanism] = source(mechanism, k.SASL, fmt.Sprintf("tls = { ca = %q }, sasl = { mechanism = %q, user = %q, password = secret 'KAFKA_PASSWORD' }",
			k.CA, mechanism, programs.KafkaUser))
	}
	return out
}

// testKafkaSecure reads with certificates and passwords.
func testKafkaSecure(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("secure", 1)
	k.Produce("secure", numbered(0, 10))
	var rules strings.Builder
	sources := secureSources(k, "secure")
	for name, source := range sources {
		fmt.Fprintf(&rules, "%sevents:where 'service =~ \"k-%%\" and tagged %q':with { host = %[2]q }:index()\n", source, name)
	}
	r := newReader(t, "%s", rules.String())
	r.env = []string{"KAFKA_PASSWORD=" + programs.KafkaPassword}
	r.start()
	for name := range sources {
		r.await(fmt.Sprintf("host = %q", name), 10)
	}
	r.stop()
}

// testKafkaSecurePast replays and records with certificates and passwords, which
// are those of the source that has the broker.
func testKafkaSecurePast(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("past", 2)
	k.Produce("past", numbered(0, 10))
	dir := t.TempDir()
	run := func(password string, args ...string) (lines int, log string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), "TOCSIN_TEST_AS_MAIN=1", "KAFKA_PASSWORD="+password)
		var out, errors strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errors
		if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return strings.Count(out.String(), "\n"), errors.String()
	}
	for name, source := range secureSources(k, "other") {
		from, to := "kafka://"+k.SASL+"/past", filepath.Join(dir, name+".jsonl")
		if name == "tls" {
			from = "kafka://" + k.TLS + "/past"
		}
		file := writeFile(t, "rules.lua", source+"events:to(sink.log {})")
		if lines, log := run(programs.KafkaPassword, "replay", file, "--from", from); lines != 10 || log != "" {
			t.Errorf("%s: %d events are replayed, of 10: %s", name, lines, log)
		}
		_, log := run(programs.KafkaPassword, "record", "--rules", file, "--from", from, "--to", to)
		if text, err := os.ReadFile(to); err != nil || strings.Count(string(text), "\n") != 10 {
			t.Errorf("%s: recorded %s: %v, %s", name, text, err, log)
		}
		if name == "tls" {
			continue
		}
		if lines, log := run("wrong secret", "replay", file, "--from", from); lines != 0 || !strings.Contains(log, "refused sasl.user or sasl.password") || strings.Contains(log, "wrong secret") {
			t.Errorf("%s: with a wrong password: %d events, %s", name, lines, log)
		}
	}
	for _, broker := range []string{k.TLS, k.SASL} {
		if _, log := run("", "record", "--from", "kafka://"+broker+"/past", "--to", filepath.Join(dir, "none")); !strings.Contains(log, "the broker wants tls at this port; tls and sasl are those of") {
			t.Errorf("without anything: %s", log)
		}
	}
}

// testKafkaRefused has a wrong password, which the log tells, and not at each try.
func testKafkaRefused(t *testing.T, k *programs.Kafka) {
	r := newReader(t, `
source.kafka { brokers = { %q }, topics = { "secure" }, tls = { ca = %q },
  sasl = { mechanism = "scram-sha-256", user = %q, password = secret "KAFKA_PASSWORD" } }
events:where 'service = "tocsin kafka" and state = "critical"':index()
`, k.SASL, k.CA, programs.KafkaUser)
	r.env = []string{"KAFKA_PASSWORD=wrong secret"}
	began := time.Now()
	r.start()
	r.awaitLog("the broker refused sasl.user or sasl.password")
	r.await(`service = "tocsin kafka"`, 1)
	r.expectReady(503, "the broker refused sasl.user or sasl.password")
	tries := regexp.MustCompile(`tocsin_source_kafka_errors_total\{.*\} [3-9]`)
	programs.Until(t, "it is tried again", func() bool {
		_, text := ask(t, "GET", r.base+"/metrics", nil)
		return tries.MatchString(text)
	})
	r.stop()
	text, most := r.log.String(), 1+int(time.Since(began)/(10*time.Second))
	if strings.Contains(text, "wrong secret") || strings.Count(text, "Kafka refuses us") > most || strings.Count(text, "\n") > 10*most {
		t.Error("the log has the password, or is a flood")
	}
}

// testKafkaUnknownTopic reads a topic that is made later.
func testKafkaUnknownTopic(t *testing.T, k *programs.Kafka) {
	r := newReader(t, numberedSource+countingRules, k.Plain, "later")
	r.start()
	r.awaitLog("no such topic")
	k.CreateTopic("later", 2)
	k.Produce("later", numbered(0, 10))
	r.awaitCount(10)
	r.stop()
}

// testKafkaRetention deletes records before they are read.
func testKafkaRetention(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("short", 1)
	r := newReader(t, numberedSource+countingRules, k.Plain, "short")
	k.Produce("short", numbered(0, 100))
	r.start()
	r.awaitCount(100)
	r.stop()
	k.Produce("short", numbered(100, 100))
	k.DeleteRecords("short", 0, 150)
	r.start()
	r.awaitTotal(150)
	r.awaitLog("50 records are missing")
	r.stop()
}

// testKafkaRecreated deletes a topic and makes it again.
func testKafkaRecreated(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("again", 1)
	r := newReader(t, numberedSource+countingRules, k.Plain, "again")
	k.Produce("again", numbered(0, 100))
	r.start()
	r.awaitCount(100)
	r.stop()
	k.DeleteTopic("again")
	k.CreateTopic("again", 1)
	k.Produce("again", numbered(100, 10))
	r.start()
	r.awaitCount(110)
	r.awaitLog("the topic was made anew")
	r.stop()
}

// testKafkaRebalance has a second reader of the group come and go.
func testKafkaRebalance(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("shared", 4)
	first := newReader(t, numberedSource+countingRules, k.Plain, "shared")
	second := newReader(t, numberedSource+countingRules, k.Plain, "shared")
	first.start()
	k.Produce("shared", numbered(0, 1000))
	first.awaitCount(1000)
	second.start()
	sum := func(n int) (total int) {
		programs.Until(t, fmt.Sprintf("both count %d", n), func() bool {
			a, _ := countsOf(t, first.base)
			b, _ := countsOf(t, second.base)
			total = int(b)
			return int(a+b) >= n
		})
		return total
	}
	number := 1000
	seconds := 0
	for seconds == 0 { // until it has partitions
		k.Produce("shared", numbered(number, 100))
		number += 100
		seconds = sum(number)
	}
	second.stop()
	k.Produce("shared", numbered(number, 1000))
	number += 1000
	first.awaitTotal(number - seconds)
	first.stop()
}
