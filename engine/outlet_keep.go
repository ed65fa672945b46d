package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What an outlet holds outlives the program: messages that were not delivered,
// and the newest wish for each target, delivered or not, since the world may
// not be as it was. A forward outlet keeps nothing. What a transact outlet holds
// is tied to the checkpoints: see transactQueue.

// keeper is a queue that can be kept. Its methods are called under the
// outlet's lock.
type keeper interface {
	// save puts what has changed since the last time, under keys that begin
	// with prefix.
	save(c *Checkpoint, prefix string)
	// holding returns what is kept, the oldest first.
	holding() []notice
	// restore takes what a queue of the same kind was holding. It is called
	// before add.
	restore(held []notice) added
}

// The first byte of an outlet's record.
const (
	messageRecord byte = 1
	wishRecord    byte = 2
	outboxRecord  byte = 3
)

// sinkPrefix begins the keys of all records of outlets.
const sinkPrefix = "sink\x00"

func (o *Outlet) recordPrefix() string { return sinkPrefix + o.options.Name + "\x00" }

// LoadOutlets calls Load for each outlet. What is of none of them, as when a
// sink was taken out of the rules, is skipped and counted, so that the next
// checkpoint can be Whole: kept for ever, it would be delivered when a sink of
// that name comes back.
func LoadOutlets(l *Loading, outlets []*Outlet) {
	var prefixes []string
	for _, o := range outlets {
		if o.Kind() != "forward" {
			prefixes = append(prefixes, o.recordPrefix())
			o.Load(l)
		}
	}
	l.records.Each(sinkPrefix, func(key, _ string) {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			l.Skip()
		}
	})
}

// Save puts what must not be lost into the checkpoint, as far as it has changed
// since the last one. From then on, what is left at Stop counts as kept, so
// Save is called once more after Stop. It is called after Flush, on the
// engine's goroutine or when that has ended.
func (o *Outlet) Save(c *Checkpoint) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.disowned {
		return
	}
	switch q := o.queue.(type) {
	case keeper:
		o.kept = true
		q.save(c, o.recordPrefix())
	case *transactQueue:
		o.kept = true
		last := q.save(c, o.recordPrefix())
		c.OnDurable(func() { o.durable(last) })
	}
}

// durable tells the transactQueue of what is durable, or the one that has taken
// over from it.
func (o *Outlet) durable(last uint64) {
	o.mu.Lock()
	heir := o.heir
	if heir == nil {
		o.queue.(*transactQueue).durable(last)
	}
	o.mu.Unlock()
	if heir != nil {
		heir.durable(last)
		return
	}
	signal(o.wake)
}

// Load takes back what Save kept: messages are delivered, which may be for the
// second time, and wishes are wished again. A message whose life ended
// meanwhile is tried once. What a transact outlet held is written, unless the far
// end has it. What is left at Stop counts as kept, as after Save. Load is called
// before the first Put, on the engine's goroutine or before that runs.
func (o *Outlet) Load(l *Loading) {
	if q, ok := o.queue.(*transactQueue); ok {
		o.mu.Lock()
		o.kept = true
		q.load(l, o.recordPrefix())
		o.metrics.restored.Add(q.held)
		o.metrics.queue.Set(float64(q.len()))
		o.mu.Unlock()
		signal(o.wake)
		return
	}
	q, ok := o.queue.(keeper)
	if !ok {
		return
	}
	o.mu.Lock()
	o.kept = true
	o.mu.Unlock()
	var held []notice
	l.Each(o.recordPrefix(), func(_ string, r *RecordReader) {
		if n, err := readNotice(r, o.Kind()); err == nil {
			held = append(held, n)
		} else {
			l.Skip()
		}
	})
	o.restore(q, held)
}

func (o *Outlet) restore(q keeper, held []notice) {
	if len(held) == 0 {
		return
	}
	o.mu.Lock()
	a := q.restore(held)
	o.metrics.queue.Set(float64(o.queue.len()))
	o.mu.Unlock()
	signal(o.wake)
	n := 0
	for i := range held {
		n += len(held[i].message.Events)
	}
	o.metrics.restored.Add(n - a.full - a.aimless)
	o.count(a)
}

// Handover gives what the outlet holds to the one that takes its place, and
// has it let go of the sink at once; a message that is on its way right then
// may be delivered twice. It returns false, and does nothing, when the two are
// not of one kind or have nothing to keep: then Stop gives the sink time to
// deliver. It is called between two events, on the engine's goroutine, before
// the first Put of the other; Stop follows.
func (o *Outlet) Handover(to *Outlet) bool {
	if o.Kind() != to.Kind() || o.Kind() == "forward" {
		return false
	}
	o.Flush()
	var held []notice
	o.mu.Lock()
	switch from := o.queue.(type) {
	case keeper:
		held = from.holding()
	case *transactQueue:
		to.takeOver(from)
	}
	o.stopped, o.abandoned, o.disowned, o.heir = true, true, true, to
	o.metrics.queue.Set(0)
	o.mu.Unlock()
	o.abortOnce.Do(func() { close(o.abort) })
	if q, ok := to.queue.(keeper); ok {
		to.restore(q, held)
	}
	return true
}

// takeOver takes what the queue of another outlet has.
func (o *Outlet) takeOver(from *transactQueue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue.(*transactQueue).takeOver(from)
	o.metrics.queue.Set(float64(o.queue.len()))
	signal(o.wake)
}

// Forget drops what was kept of an outlet that the rules do not have any more: a
// sink of the same name may come back later, and what waited for this one is of
// the past then. It is called as Save is.
func (o *Outlet) Forget(c *Checkpoint) { c.Drop(o.recordPrefix()) }

// disown says that nothing of the outlet is kept any more: the rules do not
// have it.
func (o *Outlet) disown() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept, o.disowned = false, true
}

func writeNotice(w *RecordWriter, kind byte, n *notice) {
	w.Byte(kind)
	w.Bool(n.message.List)
	until := int64(0)
	if !n.until.IsZero() {
		until = n.until.UnixNano()
	}
	w.Varint(until)
	w.Events(n.message.Events)
}

// readNotice reads what writeNotice wrote for an outlet of the same kind.
func readNotice(r *RecordReader, kind string) (notice, error) {
	record, want := r.Byte(), messageRecord
	if kind == "actuate" {
		want = wishRecord
	}
	if record != want {
		return notice{}, fmt.Errorf("the record is not of a sink of kind %s", kind)
	}
	n := notice{message: Message{List: r.Bool()}}
	if until := r.Varint(); until != 0 {
		n.until = time.Unix(0, until)
	}
	n.message.Events = r.Events()
	if err := r.End(); err != nil {
		return notice{}, err
	}
	if len(n.message.Events) == 0 && !n.message.List {
		return notice{}, errors.New("the record has no event")
	}
	return n, nil
}
