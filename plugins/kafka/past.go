package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// PastOptions say which records of a topic are wanted.
type PastOptions struct {
	Topic string
	// Since and Until bound the times of the records; zero: without end. Of each
	// partition, what is between the first record at or after Since and the first
	// at or after Until is read, whatever its own time.
	Since, Until time.Time
}

const (
	// pastTimeout is how long brokers have to say where a topic begins and ends.
	pastTimeout = 30 * time.Second
	// pastIdle is after how long without a record the brokers are asked whether
	// they are there.
	pastIdle = 5 * time.Second
	// pastStalls is how often they are before what was to come counts as gone, and
	// mostStalls how often when a broker answers that and no fetch.
	pastStalls, mostStalls = 3, 12
	// pastWait is how long a broker may keep a fetch that finds nothing.
	pastWait = time.Second
	// pastAhead is how many bytes are read ahead, of all partitions, and leastAhead
	// of each at least.
	pastAhead  = 128 << 20
	leastAhead = 256 << 10
)

// Past reads what was in a topic when it was opened: all partitions, merged by
// the times of the records. Within a partition the order stays; at one time, the
// partition with the lower number comes first. So it gives the same each time. It
// is in no group, commits nothing, and leaves out what was aborted. It belongs to
// one goroutine.
type Past struct {
	client     *kgo.Client
	topic      string
	partitions []*pastPartition
	ahead      int
	size       int64
	passed     int64
	idle       time.Duration // pastIdle
	stalls     int           // polls in a row that gave nothing
	answers    answers       // to fetches, since something came
	failed     error         // nothing more comes
	log        *Log
}

// pastPartition is one partition of a Past.
type pastPartition struct {
	number    int32
	next, end int64 // offsets: of the next record, and behind the last
	records   []*kgo.Record
	bytes     int   // of records
	read      int64 // offset up to which Next has given
	paused    bool
}

// OpenPast asks where the wanted part of a topic begins and ends. The errors are
// explained.
func OpenPast(ctx context.Context, c *Cluster, log *Log, o PastOptions) (*Past, error) {
	p := &Past{topic: o.Topic, idle: pastIdle, log: log}
	options, err := c.ClientOptions(log)
	if err != nil {
		return nil, err
	}
	if err := p.find(ctx, options, o); err != nil {
		return nil, fmt.Errorf("cannot find the offsets of topic %q at %s: %w", o.Topic, c, Explain(err))
	}
	begin := make(map[int32]kgo.Offset)
	for _, q := range p.partitions {
		begin[q.number] = kgo.NewOffset().At(q.next)
		p.size += q.end - q.next
	}
	p.ahead = max(leastAhead, pastAhead/max(1, len(p.partitions)))
	options = append(options,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: begin}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // what retention took meanwhile
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // they may be the last
		kgo.FetchMaxPartitionBytes(int32(min(p.ahead, 1<<20))),
		kgo.FetchMaxBytes(16<<20),
		kgo.FetchMaxWait(pastWait),
		kgo.WithHooks(&p.answers),
	)
	if p.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("cannot make a client: %w", err)
	}
	return p, nil
}

// find sets the partitions that have something, in order.
func (p *Past) find(ctx context.Context, options []kgo.Opt, o PastOptions) error {
	ctx, cancel := context.WithTimeout(ctx, pastTimeout)
	defer cancel()
	client, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := listed(admin.ListStartOffsets(ctx, o.Topic))
	if err != nil {
		return err
	}
	ends, err := listed(admin.ListCommittedOffsets(ctx, o.Topic))
	if err != nil {
		return err
	}
	since, until := starts, ends
	if !o.Since.IsZero() {
		if since, err = listed(admin.ListOffsetsAfterMilli(ctx, max(0, o.Since.UnixMilli()), o.Topic)); err != nil {
			return err
		}
	}
	if !o.Until.IsZero() {
		if until, err = listed(admin.ListOffsetsAfterMilli(ctx, max(0, o.Until.UnixMilli()), o.Topic)); err != nil {
			return err
		}
	}
	starts.Each(func(at kadm.ListedOffset) {
		end, _ := ends.Lookup(o.Topic, at.Partition)
		from, _ := since.Lookup(o.Topic, at.Partition)
		to, _ := until.Lookup(o.Topic, at.Partition)
		q := &pastPartition{number: at.Partition, next: max(at.Offset, from.Offset), end: min(end.Offset, to.Offset)}
		if q.read = q.next; q.next < q.end {
			p.partitions = append(p.partitions, q)
		}
	})
	slices.SortFunc(p.partitions, func(a, b *pastPartition) int { return int(a.number - b.number) })
	return nil
}

func listed(offsets kadm.ListedOffsets, err error) (kadm.ListedOffsets, error) {
	return offsets, errors.Join(err, offsets.Error())
}

// Size returns how many offsets there are to read, and Passed how many of them
// are behind.
func (p *Past) Size() int64 { return p.size }

// Passed is explained with Size.
func (p *Past) Passed() int64 { return p.passed }

// Close ends the reading.
func (p *Past) Close() error {
	p.client.Close()
	return nil
}

// Next returns the next record, and io.EOF at the end.
func (p *Past) Next(ctx context.Context) (*kgo.Record, error) {
	for {
		first, waiting := p.first()
		if !waiting && first == nil {
			return nil, io.EOF
		}
		if !waiting {
			if r := p.pop(first); !r.Attrs.IsControl() {
				return r, nil
			}
			continue
		}
		if err := p.poll(ctx); err != nil {
			return nil, err
		}
	}
}

// first returns the partition whose next record comes first, or reports that one
// of them has to be waited for.
func (p *Past) first() (first *pastPartition, waiting bool) {
	for _, q := range p.partitions {
		if len(q.records) == 0 {
			if q.next < q.end {
				return nil, true
			}
			continue
		}
		if first == nil || q.records[0].Timestamp.Before(first.records[0].Timestamp) {
			first = q
		}
	}
	return first, false
}

// pop takes the next record of a partition.
func (p *Past) pop(q *pastPartition) *kgo.Record {
	r := q.records[0]
	q.records[0] = nil
	q.records = q.records[1:]
	q.bytes -= recordBytes(r)
	read := r.Offset + 1
	if len(q.records) == 0 && q.next >= q.end {
		read = q.end
	}
	p.passed += read - q.read
	q.read = read
	if q.paused && q.bytes < p.ahead/2 {
		q.paused = false
		p.client.ResumeFetchPartitions(map[string][]int32{p.topic: {q.number}})
	}
	return r
}

// recordBytes is about what a record takes, which is much more than its value when
// that is short.
func recordBytes(r *kgo.Record) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += headerOverhead + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// What a record and a header take beside their bytes.
const (
	recordOverhead = int(unsafe.Sizeof(kgo.Record{}) + unsafe.Sizeof(&kgo.Record{}))
	headerOverhead = int(unsafe.Sizeof(kgo.RecordHeader{}))
)

// poll takes in what brokers have sent. After an error it fails only when more
// than what came before that is asked for.
func (p *Past) poll(ctx context.Context) error {
	if p.failed != nil {
		return p.failed
	}
	idle, cancel := context.WithTimeout(ctx, p.idle)
	defer cancel()
	fetches := p.client.PollFetches(idle)
	if err := ctx.Err(); err != nil {
		return err
	}
	fetches.EachPartition(func(f kgo.FetchTopicPartition) { p.take(f) })
	fetches.EachError(func(_ string, number int32, err error) {
		var lost *kgo.ErrDataLoss
		if p.failed == nil && !errors.As(err, &lost) && !errors.Is(err, context.DeadlineExceeded) {
			p.failed = fmt.Errorf("cannot fetch partition %d%s: %w", number, p.from(number), Explain(err))
		}
	})
	if p.failed != nil {
		return nil
	}
	if idle.Err() == nil || fetches.NumRecords() > 0 {
		p.stalls = 0
		p.answers.forget()
		return nil
	}
	p.stalls++
	return p.stalled(ctx)
}

// partition returns a partition, or nil: an error may be that of none.
func (p *Past) partition(number int32) *pastPartition {
	for _, q := range p.partitions {
		if q.number == number {
			return q
		}
	}
	return nil
}

// from says for an error where in a partition it is.
func (p *Past) from(number int32) string {
	if q := p.partition(number); q != nil {
		return fmt.Sprint(" from offset ", q.next)
	}
	return ""
}

// take takes the records of one partition, up to its end.
func (p *Past) take(f kgo.FetchTopicPartition) {
	q := p.partition(f.Partition)
	if q == nil {
		return
	}
	for _, r := range f.Records {
		if r.Offset < q.next {
			continue // the log was cut back, and it came before
		}
		if q.next = r.Offset + 1; r.Offset < q.end {
			q.records = append(q.records, r)
			q.bytes += recordBytes(r)
		}
	}
	if done := q.next >= q.end; (done || q.bytes > p.ahead) && !q.paused {
		q.paused = !done
		p.client.PauseFetchPartitions(map[string][]int32{p.topic: {q.number}})
	}
}
