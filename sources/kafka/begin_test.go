package kafka

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestGroupIsNeverToldLess: somebody else has read on, and has told the group. What
// our checkpoint has is of before that: it must not go to the group again, though
// it takes long, or for ever, until a checkpoint has the place where we begin.
func TestGroupIsNeverToldLess(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	path := storePath(t)
	n := b.start(path, b.options())
	b.produce(numbered(0, 20, 1)...)
	n.awaitTotal(20)
	n.stop()
	other := b.start(storePath(t), b.options())
	b.produce(numbered(20, 20, 1)...)
	other.awaitTotal(20)
	other.stop()

	b.full = true
	n = b.start(path, b.options())
	b.produce(numbered(40, 10, 1)...)
	n.awaitTotal(30)
	n.handOver = 0 // nothing becomes durable any more
	n.end()
	<-n.finished
	if got := b.committed("t", 0); got != 40 {
		t.Errorf("the group was told %d, want 40", got)
	}
}

// TestNoLeader: a partition that has no leader keeps no other from being read, and
// goes on where it was when it has one.
func TestNoLeader(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(2, "t"))
	path := storePath(t)
	n := b.start(path, b.options())
	b.produce(numbered(0, 20, 2)...)
	n.awaitTotal(20)
	n.stop()
	b.produce(numbered(20, 20, 2)...)
	away := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t", Partitions: []int32{1}, Err: kerr.LeaderNotAvailable, Count: -1})
	n = b.start(path, b.options())
	n.awaitTotal(30)
	n.awaitTold("critical: partitions of a topic do not answer: LEADER_NOT_AVAILABLE")
	if err := n.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	away.Remove()
	n.awaitTotal(40)
	n.awaitTold("ok: all partitions of a topic answer again")
	n.stop()
	each(t, 40, n)
}

// TestTopicRefused: a topic that we are not let at keeps no other from being read.
// It was there before, so latest leaves out what it has when we are let at it.
func TestTopicRefused(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t", "refused"))
	b.produce(record("refused", 0, `{"service":"old"}`))
	refused := b.Fault(kfake.Fault{Topic: "refused", Err: kerr.TopicAuthorizationFailed, Count: -1})
	o := b.options()
	o.Topics, o.Start = []string{"t", "refused"}, "latest"
	n := b.start(storePath(t), o)
	n.awaitTold("critical: a topic cannot be read: TOPIC_AUTHORIZATION_FAILED")
	await(t, "the group knows where t begins", func() bool { return b.committed("t", 0) == 0 })
	b.produce(numbered(0, 10, 1)...)
	n.awaitTotal(10)
	if err := n.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	refused.Remove()
	n.awaitTold("ok: a topic can be read")
	await(t, "the group knows where the other topic begins", func() bool { return b.committed("refused", 0) == 1 })
	b.produce(record("refused", 0, `{"service":"new"}`))
	await(t, "it is read", func() bool { return n.count("new") == 1 })
	n.stop()
	if n.count("old") > 0 {
		t.Error("what was there before came, too")
	}
	if told := strings.Count(strings.Join(n.notices, "\n"), "Kafka refuses us"); told > 0 {
		t.Errorf("it is told of the cluster: %q", n.notices)
	}
}

// TestReadyWithoutPartitions: a source that has no partition notices that Kafka is
// away, and that it is back, whether its topics are named or not.
func TestReadyWithoutPartitions(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{"t", "/^shop/"} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := listener.Addr().(*net.TCPAddr).Port
			listener.Close()
			b := newBroker(t, kfake.Ports(port))
			o := b.options()
			o.Topics = []string{topic}
			n := b.start(storePath(t), o)
			await(t, "the source is ready", func() bool { return n.Ready() == nil })
			b.Close()
			n.awaitTold("critical: cannot reach Kafka: ")
			newBroker(t, kfake.Ports(port))
			n.awaitTold("ok: Kafka answers again")
			if err := n.Ready(); err != nil {
				t.Errorf("ready: %v", err)
			}
			n.stop()
		})
	}
}

// TestTroubleGoesWithThePartition: what was told of a partition is over when that
// is not ours any more.
func TestTroubleGoesWithThePartition(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t"))
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	o := b.options()
	o.SessionTimeout = time.Second
	n := b.start(storePath(t), o)
	n.awaitTold("critical: cannot read a partition: TOPIC_AUTHORIZATION_FAILED")
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownMemberID})
	n.awaitTold("ok: a partition that could not be read is not ours any more")
	n.stop()
}

// TestDeletedTopic: of a topic that is deleted the group need not know, and there is
// no trouble beside that it is not there.
func TestDeletedTopic(t *testing.T) {
	t.Parallel()
	b := newBroker(t, kfake.SeedTopics(1, "t", "other"))
	o := b.options()
	o.Topics = []string{"t", "other"}
	n := b.start(storePath(t), o)
	await(t, "the topics are read", func() bool { return b.committed("t", 0) == 0 && b.committed("other", 0) == 0 })
	free := n.hold()
	b.produce(numbered(0, 10, 1)...)
	if err := b.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	free()
	n.awaitTold("critical: a topic cannot be read: UNKNOWN_TOPIC_OR_PARTITION")
	for i := range int64(3) {
		b.produce(record("other", 0, "{}"))
		await(t, "the group is told of the other topic", func() bool { return b.committed("other", 0) == i+1 })
	}
	n.stop()
	for _, text := range []string{"cannot tell the group", "do not answer", "given back"} {
		if n.told(text) {
			t.Errorf("it is told %q: %q", text, n.notices)
		}
	}
}
