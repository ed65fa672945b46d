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
	refused, err := c.commitOffsets(offsets)
	if err == nil {
		err = noteTold(told, refused)
	}
	if err != nil {
		c.counters.badCommits.Inc()
		c.troubles.begin("commit", "cannot tell the group how far we are; it will be tried again", err, engine.Attr{Key: "group", Value: c.Group})
		return err
	}
	c.counters.commits.Inc()
	c.troubles.end("commit", "the group is told again how far we are")
	return nil
}

// noteTold notes what the group was told of, and returns why it was not of all. A
// partition whose topic was deleted is nothing that it wants to know of.
func noteTold(told map[*partition]int64, refused map[partitionKey]error) (err error) {
	for p, next := range told {
		switch refusal := refused[p.partitionKey]; refusal {
		case nil:
			p.committed = next
		case kerr.UnknownTopicOrPartition, kerr.UnknownTopicID:
		default:
			err = refusal
		}
	}
	return err
}

// commitOffsets returns which partitions the group does not take, or why it takes
// none.
func (c *consumer) commitOffsets(offsets map[string]map[int32]kgo.EpochOffset) (refused map[partitionKey]error, all error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	refused = make(map[partitionKey]error)
	c.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			all = err
			return
		}
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				err := kerr.ErrorForCode(p.ErrorCode)
				if err != nil {
					refused[partitionKey{topic.Topic, p.Partition}] = err
				}
				if topic.Topic == "" { // its name is not known any more
					all = errors.Join(all, err)
				}
			}
		}
	})
	return refused, all
}
