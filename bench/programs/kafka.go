//go:build real

package programs

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaVersion is that of the jars which .ci/real-programs fetches.
const KafkaVersion = "4.1.1"

// KafkaUser and KafkaPassword are what the broker takes at its SASL port.
const (
	KafkaUser     = "tocsin"
	KafkaPassword = "only for tests"
)

// kafkaConfig is that of a broker which is its own controller, with one port
// for each way to reach it. The broker uses the first of them for itself.
const kafkaConfig = `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[5]s
controller.listener.names=CONTROLLER
listeners=PLAIN://127.0.0.1:%[2]s,TLS://127.0.0.1:%[3]s,SASL://127.0.0.1:%[4]s,CONTROLLER://127.0.0.1:%[5]s
listener.security.protocol.map=PLAIN:PLAINTEXT,TLS:SSL,SASL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=200
log.dirs=%[1]s/data
log.initial.task.delay.ms=1000
auto.create.topics.enable=false
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
ssl.keystore.type=PEM
ssl.keystore.location=%[1]s/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=%[1]s/ca.pem
listener.name.tls.ssl.client.auth=required
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[6]s="%[7]s";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
`

// Kafka is an Apache Kafka of one node, in KRaft mode.
type Kafka struct {
	*Program // of its last start
	t        testing.TB
	dir      string

	// Plain, TLS and SASL are its ports as "host:port": one for anybody, one
	// that wants a certificate of the client, and one that speaks TLS and wants
	// KafkaUser and KafkaPassword, by PLAIN or SCRAM.
	Plain, TLS, SASL string
	// CA, Cert and Key are PEM files for its clients.
	CA, Cert, Key string
	// Admin is a client for what an operator does.
	Admin *kadm.Client
}

// NewKafka prepares a broker that has no topics, and does not start it.
func NewKafka(t testing.TB) *Kafka {
	t.Helper()
	k := &Kafka{t: t, dir: t.TempDir()}
	ports := [4]string{}
	for i := range ports {
		ports[i] = Port(t)
	}
	k.Plain, k.TLS, k.SASL = "127.0.0.1:"+ports[0], "127.0.0.1:"+ports[1], "127.0.0.1:"+ports[2]
	k.writeCertificates()
	writeFile(t, filepath.Join(k.dir, "server.properties"),
		fmt.Sprintf(kafkaConfig, k.dir, ports[0], ports[1], ports[2], ports[3], KafkaUser, KafkaPassword))
	// What "kafka-storage format" writes, which would start another JVM.
	if err := os.Mkdir(filepath.Join(k.dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(k.dir, "data/meta.properties"), "version=1\ncluster.id=dG9jc2luLXRlc3RzLWFyZQ\nnode.id=1\n")
	k.Admin = k.newAdmin()
	t.Cleanup(k.Admin.Close)
	return k
}

// StartKafka starts a broker that has no topics.
func StartKafka(t testing.TB) *Kafka {
	t.Helper()
	k := NewKafka(t)
	k.Start()
	k.addScramUser()
	return k
}

// Start starts the broker, again with what it had when it was stopped or
// killed, and waits until it answers.
func (k *Kafka) Start() {
	k.t.Helper()
	k.Program = Start(k.t, "/usr/bin/java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(kafkaJars(k.t), "*"), "kafka.Kafka", filepath.Join(k.dir, "server.properties"))
	k.until("answers", k.answers)
}

// answers asks by a new client, for one that knew the broker before may say
// what it was told then.
func (k *Kafka) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	admin := k.newAdmin()
	defer admin.Close()
	brokers, err := admin.ListBrokers(ctx)
	return err == nil && len(brokers) == 1
}

func (k *Kafka) newAdmin() *kadm.Client {
	k.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Plain), kgo.DialTimeout(time.Second))
	if err != nil {
		k.t.Fatal(err)
	}
	return kadm.NewClient(client)
}

// kafkaJars returns the folder that .ci/real-programs fills.
func kafkaJars(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "tocsin", "kafka-"+KafkaVersion)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%v: .ci/real-programs fetches what these tests need", err)
	}
	return dir
}

// Stop has the broker end in order: what it has is on disk then.
func (k *Kafka) Stop() {
	k.t.Helper()
	p := k.Program
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		k.t.Fatalf("cannot stop Kafka: %v", err)
	}
	select {
	case <-p.ended: // by the signal, as a JVM ends
	case <-time.After(patience):
		k.t.Fatalf("Kafka has not stopped within %v", patience)
	}
}

// Damage changes the batches of a partition's first segment on disk, in their
// order. The broker has to be stopped: one that was killed looks at its segments
// when it starts, and cuts them off at the damage.
func (k *Kafka) Damage(topic string, partition int, change func(batches [][]byte)) {
	k.t.Helper()
	path := filepath.Join(k.dir, "data", fmt.Sprint(topic, "-", partition), "00000000000000000000.log")
	segment, err := os.ReadFile(path)
	if err != nil {
		k.t.Fatal(err)
	}
	var batches [][]byte
	for len(segment) > 0 {
		length := 12 + binary.BigEndian.Uint32(segment[8:])
		batches = append(batches, segment[:length:length])
		segment = segment[length:]
	}
	change(batches)
	writeFile(k.t, path, string(bytes.Join(batches, nil)))
}

// CreateTopic makes a topic. config has pairs of "name=value".
func (k *Kafka) CreateTopic(name string, partitions int32, config ...string) {
	k.t.Helper()
	configs := make(map[string]*string)
	for _, c := range config {
		key, value, _ := strings.Cut(c, "=")
		configs[key] = &value
	}
	k.admin("create a topic", func(ctx context.Context) error {
		_, err := k.Admin.CreateTopic(ctx, partitions, 1, configs, name)
		return err
	})
	// The broker takes it a moment later than the controller has it.
	k.until("has topic "+name, func() bool {
		topics, err := k.Admin.ListEndOffsets(context.Background(), name)
		return err == nil && topics.Error() == nil && len(topics[name]) == int(partitions)
	})
}

// DeleteTopic deletes a topic with all its records.
func (k *Kafka) DeleteTopic(name string) {
	k.t.Helper()
	k.admin("delete a topic", func(ctx context.Context) error {
		_, err := k.Admin.DeleteTopic(ctx, name)
		return err
	})
	k.until("has no more topic "+name, func() bool {
		topics, err := k.Admin.ListTopics(context.Background(), name)
		return err == nil && !topics.Has(name)
	})
}

// DeleteRecords deletes what is before an offset, as retention does.
func (k *Kafka) DeleteRecords(topic string, partition int32, before int64) {
	k.t.Helper()
	var at kadm.Offsets
	at.AddOffset(topic, partition, before, -1)
	k.admin("delete records", func(ctx context.Context) error {
		done, err := k.Admin.DeleteRecords(ctx, at)
		if err != nil {
			return err
		}
		return done.Error()
	})
}

// addScramUser adds KafkaUser to the users of SCRAM, which are kept by the
// broker, other than those of PLAIN.
func (k *Kafka) addScramUser() {
	k.t.Helper()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // one a request
		user := kadm.UpsertSCRAM{User: KafkaUser, Mechanism: mechanism, Iterations: 4096, Password: KafkaPassword}
		k.admin("add a user", func(ctx context.Context) error {
			done, err := k.Admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{user})
			if err != nil {
				return err
			}
			return done.Error()
		})
	}
}

func (k *Kafka) admin(what string, do func(context.Context) error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := do(ctx); err != nil {
		k.t.Fatalf("cannot %s: %v", what, err)
	}
}

// Produce writes one record for each line of text with kcat, a client that is
// not ours. args are more of its arguments.
func (k *Kafka) Produce(topic, text string, args ...string) {
	k.t.Helper()
	k.kcat(text, append([]string{"-P", "-t", topic}, args...)...)
}

// Consume returns the values of all records of a topic by kcat, one a line
// for each partition in order, of finished transactions only.
func (k *Kafka) Consume(topic string, args ...string) string {
	k.t.Helper()
	return k.kcat("", append([]string{"-C", "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed", "-t", topic}, args...)...)
}

func (k *Kafka) kcat(input string, args ...string) string {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/bin/kcat", append([]string{"-b", k.Plain}, args...)...)
	var out, log strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &log
	if err := cmd.Run(); err != nil {
		k.t.Fatalf("kcat %v: %v\n%s", args, err, &log)
	}
	return out.String()
}
