package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
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
