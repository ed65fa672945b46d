package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A pastTopic is a topic of three partitions in a broker of its own.
type pastTopic struct {
	t       testing.TB
	broker  *kfake.Cluster
	cluster *Cluster
	client  *kgo.Client
}

func newPastTopic(t testing.TB, options ...kgo.Opt) *pastTopic {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "metrics"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	cluster, err := NewCluster(Options{Brokers: broker.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(broker.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &pastTopic{t, broker, cluster, client}
}

// put writes records of a partition, with the times given, in seconds.
func (p *pastTopic) put(partition int32, times ...int64) {
	p.t.Helper()
	for _, at := range times {
		r := &kgo.Record{Topic: "metrics", Partition: partition, Timestamp: time.Unix(at, 0), Value: fmt.Appendf(nil, "%d@%d", partition, at)}
		if err := p.client.ProduceSync(p.t.Context(), r).FirstErr(); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *pastTopic) open(o PastOptions) *Past {
	p.t.Helper()
	o.Topic = "metrics"
	past, err := OpenPast(p.t.Context(), p.cluster, NewLog(slog.New(slog.DiscardHandler)), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { past.Close() })
	return past
}

// values reads to the end.
func values(t *testing.T, p *Past) []string {
	t.Helper()
	var out []string
	for {
		r, err := p.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(r.Value))
	}
	if p.Passed() != p.Size() {
		t.Errorf("at the end %d of %d are behind", p.Passed(), p.Size())
	}
	return out
}

func TestPast(t *testing.T) {
	topic := newPastTopic(t)
	f := func(o PastOptions, want string) {
		t.Helper()
		for range 2 {
			if got := strings.Join(values(t, topic.open(o)), " "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
	f(PastOptions{}, "")
	topic.put(0, 100, 130, 120, 160)
	topic.put(2, 100, 110, 150)
	f(PastOptions{}, "0@100 2@100 2@110 0@130 0@120 2@150 0@160")
	f(PastOptions{Since: time.Unix(110, 0), Until: time.Unix(150, 0)}, "2@110 0@130 0@120")
	f(PastOptions{Since: time.Unix(500, 0)}, "")
	topic.put(1, 90)
	past := topic.open(PastOptions{})
	topic.put(1, 95) // after the opening
	if got := values(t, past); !slices.Equal(got[:2], []string{"1@90", "0@100"}) || len(got) != 8 {
		t.Errorf("got %s", got)
	}
}

// TestPastReadsAheadWithinBounds has one partition end before the others begin.
func TestPastReadsAheadWithinBounds(t *testing.T) {
	topic := newPastTopic(t, kgo.ProducerBatchCompression(kgo.NoCompression()))
	var records []*kgo.Record
	const n = 2000
	for partition := range int32(3) {
		for i := range n {
			at := time.Unix(int64(partition)*n+int64(i), 0)
			records = append(records, &kgo.Record{Topic: "metrics", Partition: partition, Timestamp: at, Value: fmt.Appendf(nil, "%06d%0*d", at.Unix(), 2000, 0)})
		}
	}
	if err := topic.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	past := topic.open(PastOptions{})
	past.ahead = 1000
	got, paused := []string(nil), 0
	for {
		r, err := past.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range past.partitions {
			if q.paused {
				paused++
			}
		}
		got = append(got, string(r.Value[:6]))
	}
	if len(got) != 3*n || !slices.IsSorted(got) || paused == 0 {
		t.Errorf("got %d records, sorted %v, paused %d times", len(got), slices.IsSorted(got), paused)
	}
}

// TestPastOfTransactions wants what was aborted left out, also at the end.
func TestPastOfTransactions(t *testing.T) {
	topic := newPastTopic(t, kgo.TransactionalID("t"))
	for i, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := topic.client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		topic.put(0, int64(100+i))
		if err := topic.client.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	if got := values(t, topic.open(PastOptions{})); !slices.Equal(got, []string{"0@100"}) {
		t.Errorf("got %q", got)
	}
}

// TestPastEndsWhereRecordsAreGone waits for offsets that nobody has, as compaction
// leaves them.
func TestPastEndsWhereRecordsAreGone(t *testing.T) {
	topic := newPastTopic(t)
	topic.put(0, 100, 101)
	topic.put(1, 102)
	past := topic.open(PastOptions{})
	past.idle = 300 * time.Millisecond
	past.partitions[0].end += 5
	past.size += 5
	if got := values(t, past); !slices.Equal(got, []string{"0@100", "0@101", "1@102"}) {
		t.Errorf("got %q", got)
	}
}

// TestPastWaitsForFetches: a broker that takes long for a fetch, and answers all
// else, has not lost what it is asked for.
func TestPastWaitsForFetches(t *testing.T) {
	topic := newPastTopic(t)
	topic.put(0, 100, 101)
	release := make(chan struct{})
	topic.broker.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		topic.broker.KeepControl()
		topic.broker.SleepControl(func() { <-release })
		return nil, nil, false
	})
	past := topic.open(PastOptions{})
	past.idle = 10 * time.Millisecond
	for past.stalls < pastStalls+1 {
		if err := past.poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	past.idle = pastIdle
	if got := values(t, past); !slices.Equal(got, []string{"0@100", "0@101"}) {
		t.Errorf("got %q", got)
	}
	past = topic.open(PastOptions{})
	past.stalls = mostStalls
	if err := past.stalled(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing has come of partition 0 from offset 0") {
		t.Errorf("got %v", err)
	}
}

// TestPastGivesNothingTwice: when brokers lose the end of a log, the client reads
// the rest of it again.
func TestPastGivesNothingTwice(t *testing.T) {
	topic := newPastTopic(t)
	topic.put(0, 100, 101, 102)
	past := topic.open(PastOptions{})
	for past.partitions[0].next < 3 {
		if err := past.poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again := kgo.FetchTopicPartition{Topic: "metrics"}
	again.Records = slices.Clone(past.partitions[0].records)
	past.take(again)
	if got := values(t, past); !slices.Equal(got, []string{"0@100", "0@101", "0@102"}) {
		t.Errorf("got %q", got)
	}
}

// TestPastBreaksOffWithoutBroker wants an error, not what looks like the end.
func TestPastBreaksOffWithoutBroker(t *testing.T) {
	topic := newPastTopic(t)
	topic.put(0, 100)
	past := topic.open(PastOptions{})
	topic.broker.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := past.stalled(ctx); err == nil || !strings.Contains(err.Error(), "nothing has come for 5s") || past.partitions[0].next == past.partitions[0].end {
		t.Errorf("got %v", err)
	}
}

// TestPastBreaksOffAtDamage wants all that is before a batch that cannot be
// unpacked, and then an error that says where it is.
func TestPastBreaksOffAtDamage(t *testing.T) {
	topic := newPastTopic(t)
	topic.put(0, 100, 130)
	topic.putDamaged(0)
	topic.put(0, 140)
	topic.put(1, 110, 120, 150)
	past, got := topic.open(PastOptions{}), []string(nil)
	for {
		r, err := past.Next(t.Context())
		if err == nil {
			got = append(got, string(r.Value))
			continue
		}
		if !strings.HasPrefix(err.Error(), "cannot fetch partition 0 from offset 2: ") {
			t.Error(err)
		}
		break
	}
	if !slices.Equal(got, []string{"0@100", "1@110", "1@120", "0@130"}) {
		t.Errorf("got %q", got)
	}
}

// putDamaged writes a batch of one record, packed by gzip, that is cut off.
func (p *pastTopic) putDamaged(partition int32) {
	p.t.Helper()
	batch := kmsg.RecordBatch{
		Magic: 2, Attributes: 1, NumRecords: 1, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, Records: []byte("\x1f\x8b\x08"),
	}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	ask := kmsg.NewPtrProduceRequest()
	ask.Acks, ask.TimeoutMillis = -1, 1000
	ask.Topics = []kmsg.ProduceRequestTopic{{
		Topic: "metrics", TopicID: p.broker.TopicInfo("metrics").TopicID,
		Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: raw}},
	}}
	answer, err := p.client.Request(p.t.Context(), ask)
	if err == nil {
		err = kerr.ErrorForCode(answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// BenchmarkPast reads records of a hundred bytes.
func BenchmarkPast(b *testing.B) {
	topic := newPastTopic(b)
	const n = 30_000
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: "metrics", Partition: int32(i % 3), Timestamp: time.Unix(int64(i), 0), Value: fmt.Appendf(nil, "%0*d", 100, i)})
	}
	if err := topic.client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(100)
	for i := 0; i < b.N; {
		past := topic.open(PastOptions{})
		for ; i < b.N; i++ {
			if _, err := past.Next(b.Context()); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		past.Close()
	}
}

func TestOpenPast_Failure(t *testing.T) {
	topic := newPastTopic(t)
	log := NewLog(slog.New(slog.DiscardHandler))
	_, err := OpenPast(t.Context(), topic.cluster, log, PastOptions{Topic: "metrix"})
	if err == nil || !strings.Contains(err.Error(), `cannot find the offsets of topic "metrix" at `) || !strings.HasSuffix(err.Error(), "there is no such topic") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenPast(ctx, topic.cluster, log, PastOptions{Topic: "metrics"}); err == nil {
		t.Error("opened, though nobody waits for it")
	}
	topic.put(0, 100)
	if _, err := topic.open(PastOptions{}).Next(ctx); err != context.Canceled {
		t.Error(err)
	}
}
