package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins/payload"
)

// worker decodes the records of some partitions, each in order.
type worker struct {
	*consumer
	decoder    payload.Decoder
	queue      <-chan chunk
	attributes attributes

	batch *engine.Batch
	add   func(id *engine.Identity) *engine.Event // to the batch
}

func newWorker(c *consumer, decoder payload.Decoder, queue <-chan chunk) *worker {
	w := &worker{consumer: c, decoder: decoder, queue: queue, attributes: newAttributes(c.settings, c.in.Identities())}
	w.add = func(id *engine.Identity) *engine.Event { return w.batch.Add(id) }
	return w
}

func (w *worker) run(ctx context.Context) {
	for k := range w.queue {
		if !w.serve(ctx, k) {
			w.room.give(k.size)
		}
		k.partition.less()
	}
}

// serve makes batches of a chunk. It reports whether it came to the last one, which
// gives back the room of the chunk.
func (w *worker) serve(ctx context.Context, k chunk) bool {
	p := k.partition
	w.batch = w.in.Batch()
	bytes, records := 0, 0
	for _, r := range k.records {
		if p.gone.Load() {
			return false
		}
		if r.Attrs.IsControl() {
			continue
		}
		records++
		bytes += len(r.Value)
		w.decode(p, r)
		if w.batch.Full() {
			if !w.send(ctx, p, r.Offset+1, p.done) {
				return false
			}
			w.batch = w.in.Batch()
		}
	}
	p.counters.records.Add(records)
	w.counters.bytes.Add(bytes)
	w.send(ctx, p, k.next, k.done)
	return true
}

// decode adds the events of a record to the batch. They are not parted, as the
// place after the record stands for all of them.
func (w *worker) decode(p *partition, r *kgo.Record) {
	if r.Value == nil { // a tombstone
		return
	}
	w.attributes.begin(r)
	before := len(w.batch.Events)
	var err error
	if len(r.Value) > w.RecordBytes {
		err = fmt.Errorf("the record has %d bytes, more than record_bytes (%d)", len(r.Value), w.RecordBytes)
	} else {
		err = w.decoder.Decode(r.Value, w.add)
	}
	timed := r.Timestamp.UnixMilli() > 0
	for i := before; i < len(w.batch.Events); i++ {
		e := &w.batch.Events[i]
		e.ID = w.attributes.identity(e.ID)
		if timed && !e.HasAll(engine.HasTime) {
			e.SetTime(engine.Time(r.Timestamp.UnixNano()))
		}
	}
	if err != nil {
		p.counters.bad.Inc()
		w.bury(r, err)
	}
}

// send hands the batch to the engine, which then knows that all of the partition
// before next is in it. After an error nothing more of the partition goes there.
func (w *worker) send(ctx context.Context, p *partition, next int64, done func(error)) bool {
	b := w.batch
	b.Place, b.Next, b.Done = p.place, next, done
	p.pending.Add(1)
	if err := w.in.Send(ctx, b); err != nil {
		done(err)
		return false
	}
	return true
}

// bury keeps a record that makes no event, or not all of its events.
func (w *worker) bury(r *kgo.Record, reason error) {
	w.log.Warn("a record makes no event", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "reason", reason,
		"input", excerpt(r.Value), "dead_letter", w.DeadLetter)
	if w.dead != nil {
		w.dead.put(r, reason)
	}
}

// maxExcerpt is how much of a record the log shows.
const maxExcerpt = 200

func excerpt(value []byte) string { return fmt.Sprintf("%q", value[:min(len(value), maxExcerpt)]) }
