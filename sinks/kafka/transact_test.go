package kafka

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/engine"
)

type transactTest struct {
	*Transactional
	t   testing.TB
	log bytes.Buffer
}

func newTransactional(tb testing.TB, c *kfake.Cluster, change func(*Options)) *transactTest {
	tb.Helper()
	o := Defaults()
	o.Brokers, o.Topic, o.Transactional = c.ListenAddrs(), "out", true
	if change != nil {
		change(&o)
	}
	s := &transactTest{t: tb}
	made, err := New(env(&s.log), o)
	if err != nil {
		tb.Fatal(err)
	}
	s.Transactional = made.(*Transactional)
	if err := s.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func (s *transactTest) recover(want string) {
	s.t.Helper()
	if mark, err := s.Recover(s.t.Context()); err != nil || mark != want {
		s.t.Errorf("got mark %q and error %v, want %q", mark, err, want)
	}
}

// transact does as an outlet does, until the transaction is committed.
func (s *transactTest) transact(mark string, events ...engine.Event) {
	s.t.Helper()
	err := s.Transact(s.t.Context(), mark, events)
	for err != nil && s.t.Context().Err() == nil {
		if engine.IsPermanent(err) {
			s.t.Fatal(err)
		}
		var got string
		if got, err = s.Recover(s.t.Context()); err == nil && got != mark {
			err = s.Transact(s.t.Context(), mark, events)
		}
	}
}

func TestTransact(t *testing.T) {
	c := newCluster(t)
	s := newTransactional(t, c, nil)
	s.recover("")
	s.transact("m1", event("a", "x", "1"), event("b", "x", "1"))
	s.transact("m2", event("a", "x", "2"))
	s.recover("m2")
	s.transact("m3", event("a", "x", "3"))
	newTransactional(t, c, nil).recover("m3")
	newTransactional(t, c, func(o *Options) { o.TransactionalID = "other" }).recover("")
	expect(t, c, 4, map[string]string{"a x": "123", "b x": "1"})
}

// TestTransactFails: after an error it was committed or not, as the mark says.
func TestTransactFails(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn, kmsg.InitProducerID, kmsg.OffsetFetch} {
		for _, refusal := range []*kerr.Error{kerr.UnknownServerError, kerr.RequestTimedOut, kerr.InvalidProducerEpoch, kerr.TransactionalIDAuthorizationFailed} {
			t.Run(fmt.Sprint(key.Name(), " ", refusal.Message), func(t *testing.T) {
				c := newCluster(t)
				s := newTransactional(t, c, func(o *Options) { o.Timeout = time.Second })
				s.recover("")
				s.transact("m1", event("a", "x", "1"))
				c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, TopLevel: key == kmsg.EndTxn || key == kmsg.AddOffsetsToTxn || key == kmsg.InitProducerID, Err: refusal})
				s.transact("m2", event("a", "x", "2"), event("b", "x", "1"))
				for mark := ""; mark != "m2"; {
					mark, _ = s.Recover(t.Context())
				}
				s.transact("m3", event("a", "x", "3"))
				expect(t, c, 4, map[string]string{"a x": "123", "b x": "1"})
			})
		}
	}
}

// TestTransactBadRecord: a transaction is committed without what the brokers
// never take.
func TestTransactBadRecord(t *testing.T) {
	big := event("a", "x", strings.Repeat("y", 3000))
	f := func(name string, limit int, opts ...kfake.Opt) {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, opts...)
			s := newTransactional(t, c, func(o *Options) { o.MaxBytes = limit })
			s.recover("")
			s.transact("m1", event("a", "x", "1"), big, event("a", "x", "2"), event("b", "x", "1"))
			s.recover("m1")
			for _, n := range []int{1, 2} {
				if err := s.Transact(t.Context(), "m2", []engine.Event{big, big}[:n]); !engine.IsPermanent(err) {
					t.Errorf("got error %v", err)
				}
				s.recover("m1")
			}
			s.transact("m3", event("a", "x", "3"))
			if got, want := descriptions(t, consume(t, c, 4)), (map[string]string{"a x": "123", "b x": "1"}); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if n := s.refused.Get(); n != 1 {
				t.Errorf("refused %d", n)
			}
			if log := s.log.String(); strings.Count(log, "does not take an event") != 1 {
				t.Errorf("log: %s", log)
			}
		})
	}
	f("above the limit of the sink", 2000)
	f("above the limit of the broker", 1<<20, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "2000"}))
}

// TestTransactSmallTopic: the topic takes smaller batches than the sink makes. Then
// not each record goes alone, which could take longer than a transaction may.
func TestTransactSmallTopic(t *testing.T) {
	c := newCluster(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "20000"}))
	s := newTransactional(t, c, nil)
	s.recover("")
	requests := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Count: -1, Observe: true})
	var events []engine.Event
	for i := range 2000 {
		events = append(events, event(fmt.Sprint("h", i), "x", strings.Repeat("y", 100)))
	}
	events[1234] = event("big", "x", strings.Repeat("y", 30_000))
	s.transact("m1", events...)
	if n := len(descriptions(t, consume(t, c, 1999))); n != 1999 {
		t.Errorf("%d series are there, want 1999", n)
	}
	if n := requests.Hits(); n > 500 {
		t.Errorf("that took %d requests", n)
	}
	if n := s.refused.Get(); n != 1 {
		t.Errorf("refused %d, want 1", n)
	}
}

// TestFenced: who comes later keeps the one before from writing.
func TestFenced(t *testing.T) {
	c := newCluster(t)
	old := newTransactional(t, c, nil)
	old.recover("")
	old.transact("m1", event("a", "x", "1"))
	s := newTransactional(t, c, nil)
	s.recover("m1")
	err := old.Transact(t.Context(), "m2", []engine.Event{event("a", "x", "0")})
	if err == nil || !strings.Contains(err.Error(), `another program has begun to use the transactional id "tocsin-sink-kafka"`) {
		t.Errorf("got error %v", err)
	}
	s.transact("m2", event("a", "x", "2"))
	s.recover("m2")
	expect(t, c, 2, map[string]string{"a x": "12"})
}

// BenchmarkTransact commits transactions of 10,000 events to a broker in this
// process.
func BenchmarkTransact(b *testing.B) {
	c := newCluster(b)
	s := newTransactional(b, c, nil)
	s.recover("")
	events := make([]engine.Event, 10_000)
	for i := range events {
		events[i] = event(fmt.Sprintf("db%d", i), "cpu/user", "")
	}
	s.encoder.encode(events)
	b.SetBytes(int64(len(s.encoder.buf)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		s.transact(fmt.Sprint(n), events...)
	}
	b.ReportMetric(float64(b.N)*float64(len(events))/b.Elapsed().Seconds(), "events/s")
}
