package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokenPause is how long to wait before a partition is tried again.
const brokenPause = time.Second

// failed notes that a partition gave an error instead of records.
func (c *consumer) failed(p *partition, err error) {
	c.counters.errors.Inc()
	p.counters.errors.Inc()
	p.failing = true
	if errors.Is(err, kerr.UnknownTopicID) {
		c.anew[p.topic] = true
		return
	}
	c.troubles.begin("partition "+p.String(), "cannot read a partition", err, p.attrs()...)
	if answer, ok := errors.AsType[*kerr.Error](err); ok && answer != nil {
		return // of the broker; the client asks again
	}
	if _, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
		return // the client has gone on already
	}
	p.skip = 0
	if e, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err); ok {
		p.skip = e.NextOffset
	}
	if !p.broken {
		p.broken, p.retry = true, time.Now()
		c.broken = append(c.broken, p)
	}
}

// resume steps over batches that cannot be read: they are damaged, or too large.
// poll calls it.
func (c *consumer) resume(ctx context.Context) {
	left := c.broken[:0]
	for _, p := range c.broken {
		if p.gone.Load() || !time.Now().Before(p.retry) && c.stepOver(ctx, p) {
			p.broken = false
			continue
		}
		left = append(left, p)
	}
	clear(c.broken[len(left):])
	c.broken = left
}

func (c *consumer) stepOver(ctx context.Context, p *partition) bool {
	next := p.skip
	if next == 0 {
		var err error
		if next, err = c.batchEnd(ctx, p); err != nil {
			c.troubles.begin("partition "+p.String(), "cannot step over a damaged batch", err, p.attrs()...)
			p.retry = time.Now().Add(brokenPause)
			return false
		}
	}
	if next > p.fetched {
		c.missed(p, next, "a batch that cannot be read was left out")
		p.fetched = next
		c.hand(ctx, chunk{partition: p, next: next})
	}
	c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{p.topic: {p.number: {Epoch: -1, Offset: p.fetched}}})
	return true
}

// batchEnd asks for the batch at the partition's place, and returns the offset
// behind it, which its head says.
func (c *consumer) batchEnd(ctx context.Context, p *partition) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, p.topic)
	if err != nil {
		return 0, err
	}
	topic := topics[p.topic]
	ask := kmsg.NewPtrFetchRequest()
	ask.MaxBytes, ask.MaxWaitMillis, ask.SessionEpoch = leastFetch, 100, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = p.topic, topic.ID
	f := kmsg.NewFetchRequestTopicPartition()
	f.Partition, f.FetchOffset, f.PartitionMaxBytes = p.number, p.fetched, leastFetch
	t.Partitions = append(t.Partitions, f)
	ask.Topics = append(ask.Topics, t)
	answer, err := c.asking.Broker(int(topic.Partitions[p.number].Leader)).RetriableRequest(ctx, ask)
	if err != nil {
		return 0, err
	}
	for _, t := range answer.(*kmsg.FetchResponse).Topics {
		for _, got := range t.Partitions {
			if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
				return 0, err
			}
			return endOfBatch(got.RecordBatches, p.fetched)
		}
	}
	return 0, errors.New("the broker sent nothing")
}

// The head of a batch of records (magic 2) as in
// https://kafka.apache.org/documentation/#recordbatch: baseOffset int64,
// batchLength int32, partitionLeaderEpoch int32, magic int8, crc uint32,
// attributes int16, lastOffsetDelta int32.
const (
	lengthAt    = 8
	lengthBase  = 12 // what the length does not count
	magicAt     = 16
	lastDeltaAt = 23
	headLength  = 27
)

// endOfBatch returns the offset behind the batch that has offset at, by the heads
// of the batches in data.
func endOfBatch(data []byte, at int64) (int64, error) {
	for len(data) >= headLength {
		if data[magicAt] != 2 {
			return 0, fmt.Errorf("the batch has version %d, expected 2", data[magicAt])
		}
		end := int64(binary.BigEndian.Uint64(data)) + int64(int32(binary.BigEndian.Uint32(data[lastDeltaAt:]))) + 1
		if end > at {
			return end, nil
		}
		length := int64(int32(binary.BigEndian.Uint32(data[lengthAt:]))) + lengthBase
		if length < headLength || length > int64(len(data)) {
			break
		}
		data = data[length:]
	}
	return 0, errors.New("there is no head of a batch")
}
