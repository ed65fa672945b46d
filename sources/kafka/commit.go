package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/engine"
)

const (
	// commitEvery is how much time lies between two commits, at least. In between it
	// is looked each commitLook whether a checkpoint has become durable, so that the
	// group knows soon: what a member that dies has kept untold counts twice.
	commitEvery   = 900 * time.Millisecond
	commitLook    = 200 * time.Millisecond
	commitTimeout = 2 * time.Second
)

// tellGroup tells the group of what has become durable.
func (c *consumer) tellGroup() {
	c.commits.Lock()
	defer c.commits.Unlock()
	if time.Since(c.told) >= commitEvery {
		c.commit(c.all()) // it tells of errors itself
	}
}

// commit tells the group up to where partitions need not be read again. commits
// is held.
func (c *consumer) commit(partitions []*partition) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	told := make(map[*partition]int64)
	for _, p := range partitions {
		next, ok := p.place.Durable()
		if !ok || next == p.committed {
			continue
		}
		if offsets[p.topic] == nil {
			offsets[p.topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.topic][p.number] = kgo.EpochOffset{Epoch: -1, Offset: next}
		told[p] = next
	}
	if len(told) == 0 {
		return nil
	}
	c.told = time.Now()
	err := c.commitOffsets(offsets)
	if err != nil {
		c.counters.badCommits.Inc()
		c.troubles.begin("commit", "cannot tell the group how far we are; it will be tried again", err, engine.Attr{Key: "group", Value: c.Group})
		return err
	}
	c.counters.commits.Inc()
	for p, next := range told {
		p.committed = next
	}
	c.troubles.end("commit", "the group is told again how far we are")
	return nil
}

func (c *consumer) commitOffsets(offsets map[string]map[int32]kgo.EpochOffset) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	var all error
	c.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			all = err
			return
		}
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil && (all == nil || !errors.Is(all, err)) {
					all = errors.Join(all, err)
				}
			}
		}
	})
	return all
}
