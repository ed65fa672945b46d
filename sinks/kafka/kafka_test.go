package kafka

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/engine"
	"tocsin/plugins"
)

func newCluster(tb testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	tb.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(4, "out")}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func env(log *bytes.Buffer) plugins.Env {
	return plugins.Env{Name: "kafka", Logger: slog.New(slog.NewTextHandler(log, nil)), Metrics: metrics.NewSet()}
}

type sinkTest struct {
	*Sink
	t   testing.TB
	log bytes.Buffer
}

func newSink(tb testing.TB, c *kfake.Cluster, change func(*Options)) *sinkTest {
	tb.Helper()
	o := Defaults()
	o.Brokers, o.Topic = c.ListenAddrs(), "out"
	if change != nil {
		change(&o)
	}
	s := &sinkTest{t: tb}
	made, err := New(env(&s.log), o)
	if err != nil {
		tb.Fatal(err)
	}
	s.Sink = made.(*Sink)
	if err := s.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func (s *sinkTest) forward(events ...engine.Event) {
	s.t.Helper()
	if err := s.Forward(s.t.Context(), events); err != nil {
		s.t.Error(err)
	}
}

func event(host, service, description string) engine.Event {
	e := engine.Event{ID: engine.NewIdentities(1).Loose(engine.Parts{
		Has: engine.HasHost | engine.HasService, Host: host, Service: service, Attrs: []engine.Attr{{Key: "rack", Value: "r1"}},
	})}
	e.SetDescription(description)
	e.SetTime(1_700_000_000_123_456_789)
	return e
}

// consume returns n records as a read-committed consumer sees them, and
// whatever else is there.
func consume(tb testing.TB, c *kfake.Cluster, n int) []*kgo.Record {
	tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("out"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(10*time.Millisecond))
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(tb.Context(), 20*time.Second)
	defer cancel()
	var out []*kgo.Record
	for len(out) < n {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			tb.Fatalf("%d of %d records: %v", len(out), n, err)
		}
		out = append(out, fetches.Records()...)
	}
	slices.SortFunc(out, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out
}

// descriptions returns what records tell, by key, in order.
func descriptions(tb testing.TB, records []*kgo.Record) map[string]string {
	tb.Helper()
	decoder := engine.NewJSONDecoder(engine.NewIdentities(1), engine.NewNames())
	out := make(map[string]string)
	for _, r := range records {
		e, err := decoder.Decode(r.Value)
		if err != nil {
			tb.Fatal(err)
		}
		out[string(r.Key)] += e.Description
	}
	return out
}

func expect(t *testing.T, c *kfake.Cluster, n int, want map[string]string) {
	t.Helper()
	if got := descriptions(t, consume(t, c, n)); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestForward(t *testing.T) {
	c := newCluster(t)
	s := newSink(t, c, nil)
	s.forward(event("a", "x", "1"), event("b", "x", "1"), event("a", "x", "2"))
	s.forward(event("a", "x", "3"), event("b", "x", "2"))
	records := consume(t, c, 5)
	if got, want := descriptions(t, records), (map[string]string{"a x": "123", "b x": "12"}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	r := records[0]
	if want := time.UnixMilli(1_700_000_000_123); !r.Timestamp.Equal(want) {
		t.Errorf("timestamp %v, want %v", r.Timestamp, want)
	}
	if want := `,"service":"x","description":"1","time":1700000000.123456789,"rack":"r1"}`; !strings.HasSuffix(string(r.Value), want) {
		t.Errorf("value %s, want …%s", r.Value, want)
	}
}

// TestGraphite writes lines, and leaves out what has no metric.
func TestGraphite(t *testing.T) {
	load := event("db1", "load", "")
	load.SetMetric(0.5)
	for _, transactional := range []bool{false, true} {
		c, graphite := newCluster(t), func(o *Options) { o.Format = "graphite" }
		var skipped *metrics.Counter
		if events := []engine.Event{event("db1", "up", ""), load, event("db2", "up", "")}; transactional {
			s := newTransactional(t, c, graphite)
			s.recover("")
			s.transact("m1", events...)
			s.recover("m1")
			if err := s.Transact(t.Context(), "m2", events[:1]); !engine.IsPermanent(err) {
				t.Errorf("an event that is no line: got error %v", err)
			}
			skipped = s.skipped
		} else {
			s := newSink(t, c, graphite)
			s.forward(events...)
			skipped = s.skipped
		}
		r := consume(t, c, 1)[0]
		if string(r.Key) != "db1 load" || string(r.Value) != "db1.load 0.5 1700000000\n" || skipped.Get() != 2 {
			t.Errorf("got %q %q, %d skipped", r.Key, r.Value, skipped.Get())
		}
	}
}

func TestCompressionAndAcks(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(compressions)) {
		for _, acks := range []string{"all", "leader"} {
			c := newCluster(t)
			s := newSink(t, c, func(o *Options) { o.Compression, o.Acks = name, acks })
			s.forward(event("a", "x", "1"), event("a", "x", "2"))
			expect(t, c, 2, map[string]string{"a x": "12"})
		}
	}
}

func TestKeys(t *testing.T) {
	f := func(want string, key ...string) {
		t.Helper()
		fields, err := keyFields(key)
		if err != nil {
			t.Fatal(err)
		}
		e := event("a", "x y", "d")
		if got := string((&encoder{key: fields}).appendKey(nil, &e)); got != want {
			t.Errorf("%q: got key %q, want %q", key, got, want)
		}
	}
	f("a x y", "host", "service")
	f("a", "host")
	f("r1 a", "rack", "host")
	f(" a", "state", "host")
	f("")
	f("", "state")
	f("", "state", "floor")
}

// TestBadRecord: the brokers take all but the one that they never will.
func TestBadRecord(t *testing.T) {
	big := event("a", "x", strings.Repeat("y", 3000))
	f := func(name string, limit int, opts ...kfake.Opt) {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, opts...)
			s := newSink(t, c, func(o *Options) { o.MaxBytes = limit })
			s.forward(event("a", "x", "1"), big, event("a", "x", "2"), event("b", "x", "1"))
			s.forward(event("a", "x", "3"))
			expect(t, c, 4, map[string]string{"a x": "123", "b x": "1"})
			if n := s.refused.Get(); n != 1 {
				t.Errorf("refused %d", n)
			}
			if log := s.log.String(); strings.Count(log, "does not take an event") != 1 || !strings.Contains(log, `key="a x"`) {
				t.Errorf("log: %s", log)
			}
		})
	}
	f("above the limit of the sink", 2000)
	f("above the limit of the broker", 1<<20, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "2000"}))
}

// TestRetry: what the broker has not acknowledged comes again, and once only.
func TestRetry(t *testing.T) {
	for _, refusal := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, // the last two after writing
		kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition,
	} {
		t.Run(refusal.Message, func(t *testing.T) {
			c := newCluster(t)
			s := newSink(t, c, func(o *Options) { o.Timeout = 50 * time.Millisecond })
			fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: refusal, Count: -1})
			events := []engine.Event{event("a", "x", "1"), event("a", "x", "2"), event("b", "x", "1")}
			err := s.Forward(t.Context(), events)
			if err == nil || engine.IsPermanent(err) {
				t.Fatalf("got error %v", err)
			}
			fault.Remove()
			for s.Forward(t.Context(), events) != nil {
			}
			s.forward(event("a", "x", "3"))
			expect(t, c, 4, map[string]string{"a x": "123", "b x": "1"})
		})
	}
}

func TestErrors(t *testing.T) {
	f := func(want string, c *kfake.Cluster, change func(*Options)) {
		t.Helper()
		s := newSink(t, c, change)
		err := s.Forward(t.Context(), []engine.Event{event("a", "x", "1")})
		if err == nil || !strings.Contains(err.Error(), want) || engine.IsPermanent(err) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	refusing := func(err *kerr.Error) *kfake.Cluster {
		c := newCluster(t)
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: -1})
		return c
	}
	short := func(o *Options) { o.Timeout = 50 * time.Millisecond }
	f("no acknowledgement within 50ms", refusing(kerr.NotEnoughReplicas), short)
	f("wants an ACL", refusing(kerr.TopicAuthorizationFailed), nil)
	f("there is no such topic", newCluster(t), func(o *Options) { o.Topic = "nowhere" })
	f("nobody listens there", newCluster(t), func(o *Options) { o.Brokers, o.Timeout = []string{"127.0.0.1:1"}, time.Second })
}

func TestNew_Failure(t *testing.T) {
	f := func(want string, fields map[string]any) {
		t.Helper()
		all := map[string]any{"brokers": &plugins.Table{List: []any{"localhost"}}, "topic": "out"}
		maps.Copy(all, fields)
		_, err := plugins.NewSink("kafka", env(new(bytes.Buffer)), &plugins.Table{Pos: "shop.lua:2", Fields: all})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shop.lua:2: sink.kafka: ") {
			t.Errorf("%v: got error %v, want %q", fields, err, want)
		}
	}
	f(`option "topic": "a b" cannot be the name of a topic`, map[string]any{"topic": "a b"})
	f(`option "topic"`, map[string]any{"topic": ".."})
	f(`there is no "xml" that can be written; there are graphite, json`, map[string]any{"format": "xml"})
	f(`there is no "zst"; did you mean "zstd"?`, map[string]any{"compression": "zst"})
	f(`must be "all" or "leader", not "none"`, map[string]any{"acks": "none"})
	f(`must be "all" for transactional = true`, map[string]any{"acks": "leader", "transactional": true})
	f(`option "transactional_id": means something only with`, map[string]any{"transactional_id": "x"})
	f(`option "max_bytes": must be from`, map[string]any{"max_bytes": 10.0})
	f(`option "timeout": must be above 0`, map[string]any{"timeout": 0.0})
	f(`and at most 30`, map[string]any{"timeout": 31.0})
	f(`option "key": "host" stands there twice`, map[string]any{"key": &plugins.Table{List: []any{"host", "host"}}})
	f(`a key cannot be made of "metric"`, map[string]any{"key": &plugins.Table{List: []any{"metric"}}})
	f(`option "key": a name is empty`, map[string]any{"key": &plugins.Table{List: []any{""}}})
	f(`option "key": expected a list`, map[string]any{"key": "host"})
	f(`"a:b" is not a broker`, map[string]any{"brokers": &plugins.Table{List: []any{"a:b"}}})
}

func TestEncodeAllocatesNothingPerEvent(t *testing.T) {
	events := make([]engine.Event, 1000)
	for i := range events {
		events[i] = event("db1", "cpu/user", "")
	}
	key, err := keyFields(Defaults().Key)
	if err != nil {
		t.Fatal(err)
	}
	c := encoder{topic: "out", key: key, value: values["json"]}
	c.encode(events)
	if allocs := testing.AllocsPerRun(20, func() { c.encode(events) }); allocs > 0 {
		t.Errorf("a batch of %d events allocates %v times", len(events), allocs)
	}
}

// BenchmarkForward writes batches to a broker in this process.
func BenchmarkForward(b *testing.B) {
	c := newCluster(b, kfake.BlackholeProduce())
	s := newSink(b, c, nil)
	events := make([]engine.Event, 1000)
	for i := range events {
		events[i] = event(fmt.Sprintf("db%d", i), "cpu/user", "")
	}
	s.encoder.encode(events)
	b.SetBytes(int64(len(s.encoder.buf)))
	b.ReportAllocs()
	for b.Loop() {
		s.forward(events...)
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}
