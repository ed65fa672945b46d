package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// begin finds where to read on in partitions that have become ours, of which the
// group knows committed. It is called by the client before it fetches any of
// them. After an error it tries again.
func (c *consumer) begin(ctx context.Context, committed map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	if len(committed) == 0 {
		return committed, nil
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b := beginning{consumer: c, ctx: ask, after: make(map[string]kadm.ListedOffsets)}
	var topics []string
	for topic := range committed {
		topics = append(topics, topic)
	}
	var err error
	if b.ends, err = c.admin.ListEndOffsets(ask, topics...); err != nil {
		return nil, fmt.Errorf("cannot ask for the ends of the partitions: %w", err)
	}
	var found []*partition
	for topic, numbers := range committed {
		for number, o := range numbers {
			p, err := b.partition(partitionKey{topic, number}, o.EpochOffset().Offset)
			if err != nil {
				return nil, err
			}
			found = append(found, p)
			numbers[number] = kgo.NewOffset().At(p.fetched).WithEpoch(-1)
		}
	}
	if !c.own(found) {
		return nil, errEnding
	}
	// From here on it is known where they begin, whenever we end.
	for _, p := range found {
		c.announce(ctx, p)
	}
	c.troubles.end("group", "we are in the group")
	c.reached()
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
	case p.queue <- chunk{partition: p, next: p.fetched}:
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
	ctx   context.Context
	ends  kadm.ListedOffsets
	after map[string]kadm.ListedOffsets // by topic, what start says
}

// partition finds where to read on in one partition. committed is negative when
// the group knows nothing.
func (b *beginning) partition(key partitionKey, committed int64) (*partition, error) {
	listed, ok := b.ends.Lookup(key.topic, key.number)
	if !ok || listed.Err != nil {
		return nil, fmt.Errorf("cannot ask for the end of %s: %w", key, errors.Join(listed.Err))
	}
	if err := b.awaitLate(key); err != nil {
		return nil, err
	}
	place := b.in.Place(b.Group + "/" + key.String())
	at := committed
	if b.isRenewed(key.topic) {
		at = -1
	} else if served, ok := place.Served(); ok {
		at = max(at, served)
	}
	if at > listed.Offset {
		b.troubles.once("a partition ends before the place where we were: the topic was made anew, or the brokers lost records",
			fmt.Sprintf("it ends at offset %d, we were at %d; it is begun anew (start)", listed.Offset, at), key.attrs()...)
		place.Forget()
		at = -1
	}
	if at < 0 {
		var err error
		if at, err = b.start(key, listed.Offset); err != nil {
			return nil, err
		}
	}
	if served, ok := place.Served(); ok && served != at {
		// What is durable there is of before others read on: the group must not be told.
		place.Forget()
	}
	p := newPartition(key, place, at)
	p.end.Store(listed.Offset)
	return p, nil
}

// start is where to begin in a partition that nobody has read.
func (b *beginning) start(key partitionKey, end int64) (int64, error) {
	if b.consumer.start.kind == startLatest && b.isOld(key) {
		return end, nil
	}
	list, ok := b.after[key.topic]
	if !ok {
		var err error
		if b.consumer.start.kind == startTime {
			list, err = b.admin.ListOffsetsAfterMilli(b.ctx, b.consumer.start.time(time.Now()).UnixMilli(), key.topic)
		} else {
			list, err = b.admin.ListStartOffsets(b.ctx, key.topic)
		}
		if err != nil {
			return 0, fmt.Errorf("cannot ask where to begin in %q: %w", key.topic, err)
		}
		b.after[key.topic] = list
	}
	listed, ok := list.Lookup(key.topic, key.number)
	if !ok || listed.Err != nil {
		return 0, fmt.Errorf("cannot ask where to begin in %s: %w", key, errors.Join(listed.Err))
	}
	if listed.Offset < 0 { // no record is as late
		return end, nil
	}
	return listed.Offset, nil
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
	if !ok || b.isRenewed(key.topic) {
		return false
	}
	_, ok = topic.Partitions[key.number]
	return ok
}
