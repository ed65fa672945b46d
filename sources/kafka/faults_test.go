package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/engine"
	"tocsin/plugins"
)

// TestNoBroker: the source waits for the brokers, and says so.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	o := Defaults()
	o.Brokers, o.Topics, o.Format, o.Start = []string{address.String()}, []string{"t"}, "json", "earliest"
	n := (&broker{t: t}).start(storePath(t), o)
	n.awaitTold("critical: cannot reach Kafka: ")
	if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "cannot reach Kafka") {
		t.Errorf("ready: %v", err)
	}
	b := newBroker(t, kfake.SeedTopics(1, "t"), kfake.Ports(address.Port))
	b.produce(numbered(0, 10, 1)...)
	n.awaitTotal(10)
	n.awaitTold("ok: Kafka answers again")
	if err := n.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	if !strings.Contains(n.log.String(), "is the broker running?") {
		t.Errorf("the log does not say what to do: %s", n.log)
	}
	n.stop()
}

// TestStopWithoutBroker: what cannot be told to a group that is away does not
// hold the end up.
func TestStopWithoutBroker(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 10, 1)...)
	n := b.start(storePath(t), b.options())
	n.awaitTotal(10)
	b.Close()
	n.stop()
}

// TestRefused: a wrong password is told once, and the log is not flooded.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	var asked atomic.Int64
	refusing, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ops", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(refusing.Close)
	refusing.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		refusing.KeepControl()
		asked.Add(1)
		answer := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return answer, nil, true
	})
	o := b.options()
	o.Brokers = refusing.ListenAddrs()
	o.SASL = &plugins.Table{Fields: map[string]any{"mechanism": "plain", "user": "ops", "password": plugins.NewSecret("P", "wrong")}}
	n := b.start(storePath(t), o)
	n.awaitTold("critical: Kafka refuses us: SASL_AUTHENTICATION_FAILED")
	await(t, "it was tried again", func() bool { return asked.Load() >= 3 })
	n.stop()
	if lines := strings.Count(n.log.String(), "\n"); lines > 4 || strings.Contains(n.log.String(), "wrong") {
		t.Errorf("%d lines are logged: %s", lines, n.log)
	}
}

// TestRetention: records that were deleted before they were read are counted.
func TestRetention(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 10, 1)...)
	path := storePath(t)
	n := b.start(path, b.options())
	n.awaitTotal(10)
	n.stop()
	b.produce(numbered(10, 90, 1)...)
	if err := b.DeleteRecords("t", 0, 50); err != nil {
		t.Fatal(err)
	}
	n = b.start(path, b.options())
	n.awaitTotal(60)
	n.awaitTold("warning: records were deleted before they were read (retention): 40 records are missing, from offset 10")
	n.stop()
	if got := n.metric(`tocsin_source_kafka_missed_records_total{source="kafka",topic="t",partition="0"}`); got != "40" {
		t.Errorf("%s records are missing, want 40", got)
	}
}

// TestMadeAnew: a topic that is shorter than the place where we were is begun
// anew.
func TestMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 100, 1)...)
	path := storePath(t)
	n := b.start(path, b.options())
	n.awaitTotal(100)
	n.stop()
	b.renew("t")
	b.produce(numbered(100, 10, 1)...)
	n = b.start(path, b.options())
	n.awaitTotal(110)
	n.awaitTold("it ends at offset 10, we were at 100; it is begun anew")
	n.kill()
	n = b.start(path, b.options()) // what was begun anew is kept
	b.produce(numbered(110, 1, 1)...)
	n.awaitTotal(111)
	n.stop()
	each(t, 111, n)
}

// TestMadeAnewWhileRunning: the topic is deleted and made anew under the source.
func TestMadeAnewWhileRunning(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 100, 1)...)
	n := b.start(storePath(t), b.options())
	n.awaitTotal(100)
	b.renew("t")
	b.produce(numbered(100, 10, 1)...)
	n.awaitTotal(110)
	n.awaitTold("warning: a topic was made anew while it was read")
	n.stop()
	each(t, 110, n)
}

// renew deletes a topic and makes it anew.
func (b *broker) renew(topic string) {
	b.t.Helper()
	if err := b.DeleteTopic(topic); err != nil {
		b.t.Fatal(err)
	}
	if err := b.CreateTopic(topic, 1, nil); err != nil {
		b.t.Fatal(err)
	}
	b.client.PurgeTopicsFromProducing(topic)
}

// rawBatch is a batch whose records are body, which claims to be count records
// packed by gzip.
func rawBatch(count int32, body []byte) []byte {
	batch := kmsg.RecordBatch{
		Magic: 2, Attributes: 1, LastOffsetDelta: count - 1, NumRecords: count, PartitionLeaderEpoch: -1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: body,
		FirstTimestamp: time.Now().UnixMilli(), MaxTimestamp: time.Now().UnixMilli(),
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// produceRaw writes a batch as it is.
func (b *broker) produceRaw(topic string, batch []byte) {
	b.t.Helper()
	ask := kmsg.NewPtrProduceRequest()
	ask.Acks, ask.TimeoutMillis = -1, 1000
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topic, b.TopicInfo(topic).TopicID
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = batch
	t.Partitions = append(t.Partitions, p)
	ask.Topics = append(ask.Topics, t)
	answer, err := b.client.Request(b.t.Context(), ask)
	if err == nil {
		err = kerr.ErrorForCode(answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestBrokenBatch: batches that cannot be unpacked are stepped over.
func TestBrokenBatch(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 10, 1)...)
	b.produceRaw("t", rawBatch(7, []byte("\x1f\x8b\x08\x00truncated")))
	b.produce(numbered(10, 10, 1)...)
	path := storePath(t)
	n := b.start(path, b.options())
	n.awaitTotal(20)
	n.awaitTold("warning: a batch that cannot be read was left out: 7 records are missing, from offset 10")
	n.awaitTold("ok: a partition is read again")
	n.kill()
	n = b.start(path, b.options())
	n.awaitTotal(20)
	n.stop()
	each(t, 20, n)
}

// TestBomb: a small batch that unpacks to much is stepped over.
func TestBomb(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.produce(numbered(0, 1, 1)...)
	packing, err := kgo.NewClient(kgo.SeedBrokers(b.ListenAddrs()...), kgo.ProducerBatchCompression(kgo.GzipCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer packing.Close()
	if err := packing.ProduceSync(t.Context(), record("t", 0, strings.Repeat(" ", 512<<10))).FirstErr(); err != nil {
		t.Fatal(err)
	}
	b.produce(numbered(1, 1, 1)...)
	o := b.options()
	o.FetchBytes, o.RecordBytes = 16<<10, 16<<10
	n := b.start(storePath(t), o)
	n.awaitTotal(2)
	n.awaitTold("1 records are missing, from offset 1")
	n.stop()
}

// TestLag tells when too much waits, and when that is over, while the engine
// stands still. Meanwhile memory is bounded.
func TestLag(t *testing.T) {
	t.Parallel()
	const count = 4000
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	o := b.options()
	o.MaxLag, o.FetchBytes, o.RecordBytes = 100, 64<<10, 64<<10
	n := b.start(storePath(t), o)
	b.produce(numbered(0, 1, 1)...)
	n.awaitTotal(1)
	var fetched atomic.Int64
	b.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		fetched.Add(1)
		return nil, nil, false
	})
	release, held := make(chan struct{}), make(chan struct{})
	go n.runner.Do(t.Context(), func(*engine.Engine) { close(held); <-release })
	<-held
	pad := strings.Repeat(" ", 10<<10)
	for i := 1; i < count; i += 100 {
		var records []*kgo.Record
		for j := i; j < min(i+100, count); j++ {
			records = append(records, record("t", 0, fmt.Sprintf(`{"service":"%d"}%s`, j, pad)))
		}
		b.produce(records...)
	}
	lag := func() string { return n.metric(`tocsin_source_kafka_lag{source="kafka",topic="t",partition="0"}`) }
	await(t, "the lag is measured", func() bool { return lag() == fmt.Sprint(count-1) })
	// The answers wait for one another, so that few are asked for.
	if most := int64(count / 8); fetched.Load() > most {
		t.Errorf("%d answers were fetched while the engine stood still", fetched.Load())
	}
	close(release)
	n.awaitTotal(count)
	n.awaitTold("critical: we are behind: more than max_lag (100) records wait")
	n.awaitTold("ok: we have caught up")
	await(t, "no record waits", func() bool { return lag() == "0" })
	n.stop()
}

// TestFaults has the brokers answer with errors now and then. Each record counts
// once all the same.
func TestFaults(t *testing.T) {
	t.Parallel()
	const partitions, count = 3, 3000
	b := newBroker(t, kfake.SeedTopics(partitions, "t"))
	now := func(kmsg.Request) bool { return rand.IntN(20) == 0 }
	for key, err := range map[kmsg.Key]*kerr.Error{
		kmsg.Heartbeat:    kerr.UnknownMemberID,
		kmsg.JoinGroup:    kerr.NotCoordinator,
		kmsg.OffsetCommit: kerr.IllegalGeneration,
		kmsg.OffsetFetch:  kerr.CoordinatorLoadInProgress,
		kmsg.ListOffsets:  kerr.NotLeaderForPartition,
		kmsg.Fetch:        kerr.NotLeaderForPartition,
		kmsg.Metadata:     kerr.LeaderNotAvailable,
	} {
		b.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: err, Count: -1, When: now})
	}
	o := b.options()
	o.SessionTimeout = time.Second
	path := storePath(t)
	n := b.start(path, o)
	for i := 0; i < count; i += 100 {
		b.produce(numbered(i, 100, partitions)...)
		n.awaitTotal(i)
		if i == count/2 {
			n.kill()
			n = b.start(path, o)
		}
	}
	n.awaitTotal(count)
	n.stop()
	each(t, count, n)
}

// TestInstanceID: who is known by a name gets its partitions back at once.
func TestInstanceID(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	o := b.options()
	o.InstanceID, o.SessionTimeout = "one", time.Minute
	path := storePath(t)
	for i := range 3 {
		b.produce(numbered(10*i, 10, 1)...)
		n := b.start(path, o)
		n.awaitTotal(10 * (i + 1))
		n.kill()
		each(t, 10*(i+1), n)
	}
}

func FuzzEndOfBatch(f *testing.F) {
	f.Add(rawBatch(5, nil), int64(3))
	f.Add(rawBatch(5, []byte("x"))[:headLength], int64(9))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		if end, err := endOfBatch(data, at); err == nil && end <= at {
			t.Errorf("the batch at %d ends at %d", at, end)
		}
	})
}

func TestEndOfBatch(t *testing.T) {
	first, second := rawBatch(5, nil), rawBatch(3, bytes.Repeat([]byte("x"), 100))
	binary.BigEndian.PutUint64(second, 5)
	both := append(bytes.Clone(first), second...)
	f := func(data []byte, at, want int64, failure string) {
		t.Helper()
		got, err := endOfBatch(data, at)
		if got != want || (err == nil) != (failure == "") || err != nil && !strings.Contains(err.Error(), failure) {
			t.Errorf("at %d: got %d, %v; want %d, %q", at, got, err, want, failure)
		}
	}
	f(both, 0, 5, "")
	f(both, 4, 5, "")
	f(both, 5, 8, "")
	f(both[:len(first)+headLength], 7, 8, "")
	f(both, 8, 0, "no head")
	f(nil, 0, 0, "no head")
	f(make([]byte, 100), 0, 0, "version 0")
}
