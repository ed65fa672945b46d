package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// begin finds where to read on in partitions that have become ours, of which the
// group knows committed. It is called by the client before it fetches any of
// them. After an error it tries again.
func (c *consumer) begin(ctx context.Context, committed map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	if len(committed) == 0 {
		return committed, nil
	}
	b := beginning{consumer: c, ctx: ctx}
	for topic, numbers := range committed {
		for number := range numbers {
			b.keys = append(b.keys, partitionKey{topic, number})
		}
	}
	b.ends = c.askOffsets(ctx, b.keys, atEnd, false)
	var found []*partition
	for _, key := range b.keys {
		p, err := b.partition(key, committed[key.topic][key.number].EpochOffset().Offset)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
		committed[key.topic][key.number] = kgo.NewOffset().At(p.fetched).WithEpoch(-1)
	}
	if !c.own(found) {
		return nil, errEnding
	}
	// From here on it is known where they begin, whenever we end.
	for _, p := range found {
		c.announce(ctx, p)
	}
	c.troubles.end("group", "we are in the group")
	return committed, nil
}

var errEnding = errors.New("the source ends")

// own makes partitions ours.
func (c *consumer) own(found []*partition) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return false
	}
	slices.SortFunc(found, func(a, b *partition) int { return int(a.number) - int(b.number) })
	for _, p := range found {
		if old := c.partitions[p.partitionKey]; old != nil {
			old.gone.Store(true)
		}
		delete(c.renewed, p.topic)
		p.queue = c.queues[c.assigned%len(c.queues)]
		c.assigned++
		p.counters = c.counters.of(p.topic, p.number, func() float64 { return float64(p.lag()) })
		c.partitions[p.partitionKey] = p
	}
	return true
}

// announce has the engine know where a partition begins, before its records come.
func (c *consumer) announce(ctx context.Context, p *partition) {
	p.pending.Add(1)
	select {
	case p.queue <- chunk{partition: p, next: p.fetched, done: p.done}:
	case <-ctx.Done():
		p.less()
	}
}

// awaitLate waits for what was still on the way when the partition was ours
// before: only then is it known how far it was read.
func (b *beginning) awaitLate(key partitionKey) error {
	b.mu.Lock()
	late := b.late[key]
	b.mu.Unlock()
	if late == nil {
		return nil
	}
	late.wait(time.Now().Add(askTimeout/2), false)
	if late.pending.Load() > 0 {
		return fmt.Errorf("what was read of %s before is still on its way to the engine", key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.late, key)
	return nil
}

// beginning answers where partitions begin.
type beginning struct {
	*consumer
	ctx    context.Context
	keys   []partitionKey // that begin
	ends   map[partitionKey]listed
	starts map[partitionKey]listed // what start says; nil: not asked yet
}

// partition finds where to read on in one partition. committed is negative when
// the group knows nothing. A partition that cannot be asked right now, as it has no
// leader, is read on where we were as soon as it can be.
func (b *beginning) partition(key partitionKey, committed int64) (*partition, error) {
	if err := b.awaitLate(key); err != nil {
		return nil, err
	}
	place := b.in.Place(b.Group + "/" + key.String())
	at := committed
	if b.isRenewed(key.topic) {
		at = -1
	} else if taken, ok := place.Taken(); ok {
		at = max(at, taken)
	}
	end := b.ends[key]
	if end.err == nil && at > end.offset {
		b.troubles.once("a partition ends before the place where we were: the topic was made anew, or the brokers lost records",
			fmt.Sprintf("it ends at offset %d, we were at %d; it is begun anew (start)", end.offset, at), key.attrs()...)
		at = -1
	}
	if at < 0 {
		var err error
		if at, err = b.start(key); err != nil {
			return nil, err
		}
	}
	if taken, ok := place.Taken(); !ok || taken != at {
		// What is durable there is of before others read on: the group must not be told.
		place.Forget()
	}
	p := newPartition(key, place, at)
	p.end.Store(max(at, end.offset))
	return p, nil
}

// start is where to begin in a partition that nobody has read.
func (b *beginning) start(key partitionKey) (int64, error) {
	end := b.ends[key]
	if end.err != nil {
		return 0, fmt.Errorf("cannot ask for the end of %s, which nobody has read yet: %w", key, end.err)
	}
	if b.consumer.start.kind == startLatest && b.isOld(key) {
		return end.offset, nil
	}
	if b.starts == nil {
		millis := int64(atStart)
		if b.consumer.start.kind == startTime {
			millis = max(0, b.consumer.start.time(time.Now()).UnixMilli())
		}
		b.starts = b.askOffsets(b.ctx, b.keys, millis, false)
	}
	start := b.starts[key]
	if start.err != nil {
		return 0, fmt.Errorf("cannot ask where to begin in %s: %w", key, start.err)
	}
	if start.offset < 0 { // no record is as late
		return end.offset, nil
	}
	return start.offset, nil
}

// isRenewed reports whether the topic is not the one that the group knows of.
func (b *beginning) isRenewed(topic string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.renewed[topic]
}

// isOld reports whether the partition was there when the source began. Of one
// that came later all records are later than our beginning, too.
func (b *beginning) isOld(key partitionKey) bool {
	topic, ok := b.existed[key.topic]
	switch {
	case !ok || b.isRenewed(key.topic) || topic.err == kerr.UnknownTopicOrPartition:
		return false
	case topic.err != nil: // it was there, but we were not let at it
		return true
	}
	return slices.Contains(topic.partitions, key.number)
}
