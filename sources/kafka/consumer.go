package kafka

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
)

const (
	// pollRecords is how many records are taken over from the client at once.
	pollRecords = 8192
	// pollWait is how long a poll waits before it looks after what else there is
	// to do.
	pollWait = time.Second
)

// consumer is one Run: a member of the group. poll is the goroutine that polls.
// The client calls begin, revoke and lose on goroutines of its own, but revoke and
// lose never between a poll and the next AllowRebalance, so that what was polled is
// still ours.
type consumer struct {
	*Source
	in       engine.Input
	client   *kgo.Client
	admin    *kadm.Client
	troubles *troubles
	existed  map[string]topic // when we began
	queues   []chan chunk     // one of each worker
	broken   []*partition     // what poll cannot read; poll's only
	anew     map[string]bool  // topics that were made anew; poll's only
	silent   map[string]int   // our topics, and how often in a row they have not answered; watch's only
	room     *room

	mu         sync.Mutex
	partitions map[partitionKey]*partition
	late       map[partitionKey]*partition // that went while something was on the way
	renewed    map[string]bool             // topics of which the group knows nothing that is true
	assigned   int                         // how many partitions there were so far, to share them out
	ending     bool                        // no more partitions are taken

	// commits is held while the group is told of offsets, so that nobody tells it
	// of a partition that has gone meanwhile. It is taken before mu.
	commits sync.Mutex
	told    time.Time   // when the group was told last
	over    atomic.Bool // what is given back is kept in mind
}

type partitionKey struct {
	topic  string
	number int32
}

func (k partitionKey) String() string { return k.topic + "/" + strconv.Itoa(int(k.number)) }

func (k partitionKey) attrs() []engine.Attr {
	return []engine.Attr{{Key: "topic", Value: k.topic}, {Key: "partition", Value: strconv.Itoa(int(k.number))}}
}

// clientOptions are those of the client that reads.
func (c *consumer) clientOptions() []kgo.Opt {
	bytes := int32(c.FetchBytes)
	out := []kgo.Opt{
		kgo.ConsumeTopics(c.topics...),
		kgo.ConsumerGroup(c.Group),
		kgo.SessionTimeout(c.SessionTimeout),
		kgo.HeartbeatInterval(max(c.SessionTimeout/4, 100*time.Millisecond)),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.AdjustFetchOffsetsFn(c.begin),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.revoke(keys(m)) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { c.lose(keys(m)) }),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// An aborted record is none. Control records are kept to see the end.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(bytes),
		kgo.FetchMaxPartitionBytes(max(bytes/4, leastFetch)),
		kgo.BrokerMaxReadBytes(max(2*min(bytes, 1<<29), 100<<20)),
		kgo.MaxDecompressBatchBytes(8 * max(c.FetchBytes, c.RecordBytes)),
		kgo.WithHooks(groupErrors{c}),
	}
	if c.patterns {
		out = append(out, kgo.ConsumeRegex())
	}
	if c.InstanceID != "" {
		out = append(out, kgo.InstanceID(c.InstanceID))
	}
	return out
}

func keys(m map[string][]int32) []partitionKey {
	var out []partitionKey
	for topic, numbers := range m {
		for _, n := range numbers {
			out = append(out, partitionKey{topic, n})
		}
	}
	return out
}

// groupErrors is told why we are not in the group.
type groupErrors struct{ c *consumer }

var _ kgo.HookGroupManageError = groupErrors{}

func (g groupErrors) OnGroupManageError(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	g.c.counters.errors.Inc()
	g.c.troubles.begin("group", "cannot be in the group", err, engine.Attr{Key: "group", Value: g.c.Group})
}

// poll hands what comes to the workers, until ctx is done. While the engine is
// behind it waits, and the client fetches no more than it holds.
func (c *consumer) poll(ctx context.Context) {
	for ctx.Err() == nil {
		until, cancel := context.WithTimeout(ctx, pollWait)
		fetches := c.client.PollRecords(until, pollRecords)
		cancel()
		fetches.EachPartition(func(f kgo.FetchTopicPartition) { c.take(ctx, f) })
		c.resume(ctx)
		c.client.AllowRebalance()
		c.renew()
	}
}

// take hands the records of one partition to its worker.
func (c *consumer) take(ctx context.Context, f kgo.FetchTopicPartition) {
	p := c.find(partitionKey{f.Topic, f.Partition})
	if p == nil { // nothing but an error, such as the end of a poll
		return
	}
	if f.Err != nil {
		c.failed(p, f.Err)
	}
	if len(f.Records) == 0 || p.gone.Load() {
		return
	}
	p.end.Store(max(f.LastStableOffset, p.end.Load()))
	first, last := f.Records[0].Offset, f.Records[len(f.Records)-1].Offset
	switch {
	case first < p.fetched:
		p.end.Store(f.LastStableOffset)
		c.troubles.once("the log of a partition was cut back: the topic was made anew, or the brokers lost records",
			"it went on at offset "+offset(first)+" instead of "+offset(p.fetched), p.attrs()...)
	case f.LogStartOffset > p.fetched:
		c.missed(p, min(f.LogStartOffset, first), "records were deleted before they were read (retention)")
	}
	if p.failing {
		p.failing = false
		c.troubles.end("partition "+p.String(), "a partition is read again", p.attrs()...)
	}
	p.fetched = last + 1
	for records := f.Records; len(records) > 0 && !p.gone.Load(); {
		n, size := piece(records, c.FetchBytes/pieces)
		c.hand(ctx, chunk{partition: p, records: records[:n], next: records[n-1].Offset + 1, size: size})
		records = records[n:]
	}
}

// pieces are how many chunks fill the room at least, so that some are decoded while
// others are served.
const pieces = 8

// piece returns how many of the records have at most so many bytes, and one at
// least, and how many bytes they have.
func piece(records []*kgo.Record, most int) (n, size int) {
	for n < len(records) {
		r := records[n]
		if size += len(r.Value) + len(r.Key); n > 0 && size > most {
			return n, size - len(r.Value) - len(r.Key)
		}
		n++
	}
	return n, size
}

// missed counts the records up to next that nobody will read.
func (c *consumer) missed(p *partition, next int64, why string) {
	n := next - p.fetched
	p.counters.missed.AddInt64(n)
	c.troubles.once(why, offset(n)+" records are missing, from offset "+offset(p.fetched), p.attrs()...)
}

func offset(n int64) string { return strconv.FormatInt(n, 10) }

// hand waits until there is room for a chunk, which it has until it is served.
func (c *consumer) hand(ctx context.Context, k chunk) {
	if k.size > 0 && !c.room.take(ctx, k.size) {
		k.partition.gone.Store(true) // or what follows would leave a hole
		return
	}
	k.done = func(err error) {
		k.partition.done(err)
		c.room.give(k.size)
	}
	k.partition.pending.Add(1)
	select {
	case k.partition.queue <- k:
	case <-ctx.Done():
		k.partition.gone.Store(true)
		k.partition.less()
		c.room.give(k.size)
	}
}

func (c *consumer) find(key partitionKey) *partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.partitions[key]
}

func (c *consumer) all() []*partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*partition, 0, len(c.partitions))
	for _, p := range c.partitions {
		out = append(out, p)
	}
	return out
}

// leave gives all back, and leaves the group.
func (c *consumer) leave() {
	c.over.Store(true)
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	var keys []partitionKey
	for _, p := range c.all() {
		keys = append(keys, p.partitionKey)
	}
	c.revoke(keys)
	c.client.CloseAllowingRebalance()
}

// revoke gives partitions back: what is on the way is served and kept, if that
// does not take too long, and the group is told how far we came, so that who
// reads on counts nothing twice.
func (c *consumer) revoke(keys []partitionKey) {
	going := c.stop(keys)
	if len(going) == 0 {
		return
	}
	c.counters.rebalances.Inc()
	deadline := time.Now().Add(c.handOver)
	if c.over.Load() {
		deadline = time.Now().Add(min(c.handOver, c.endHandOver))
	}
	for _, p := range going {
		p.wait(deadline, c.over.Load())
	}
	whole := awaitDurable(going, deadline)
	c.commits.Lock()
	defer c.commits.Unlock()
	committed := c.commit(going) == nil
	c.drop(going)
	if !committed || !whole {
		c.troubles.once("partitions were given back before all that was read was kept",
			"who reads on will count some records again")
		return
	}
	if !c.over.Load() {
		for _, p := range going {
			if kept, ok := p.place.Durable(); ok && kept == p.committed {
				p.place.Forget() // the group knows
			}
		}
	}
}

// lose ends the reading of partitions that others may be reading already.
func (c *consumer) lose(keys []partitionKey) {
	going := c.stop(keys)
	deadline := time.Now().Add(c.handOver)
	for _, p := range going {
		p.wait(deadline, c.over.Load())
	}
	c.commits.Lock()
	defer c.commits.Unlock()
	c.drop(going)
	if len(going) > 0 {
		c.counters.rebalances.Inc()
	}
}

// stop has no more of the partitions go to the engine.
func (c *consumer) stop(keys []partitionKey) []*partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*partition
	for _, key := range keys {
		if p := c.partitions[key]; p != nil {
			p.gone.Store(true)
			out = append(out, p)
		}
	}
	return out
}

// drop forgets partitions. commits is held.
func (c *consumer) drop(going []*partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range going {
		p.counters.end()
		if !c.over.Load() {
			c.troubles.end("partition "+p.String(), "a partition that could not be read is not ours any more", p.attrs()...)
		}
		delete(c.partitions, p.partitionKey)
		if p.pending.Load() > 0 {
			c.late[p.partitionKey] = p
		}
	}
}

// awaitDurable waits until all that was served of the partitions is durable, and
// reports whether it is.
func awaitDurable(going []*partition, deadline time.Time) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for slices.ContainsFunc(going, func(p *partition) bool { return !p.durable() }) {
		if now := <-tick.C; now.After(deadline) {
			return false
		}
	}
	return true
}
