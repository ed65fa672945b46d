package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// transactQueue ties what a Transactor writes to the checkpoints, so that its
// far end has everything exactly once, whatever crashes when.
//
// What rules hand over is collected until a checkpoint begins. Then it is sealed:
// it becomes an outbox, which that checkpoint has, together with the state of the
// engine that has made it. When the checkpoint is durable, and not before, the
// outbox is written in one transaction, together with its mark. When that is
// committed, the next checkpoint is without the outbox.
//
// The invariant: of the outboxes in a durable checkpoint, those up to the one
// whose mark the far end has are committed there, and no other is; if it has the
// mark of the last one before them, or no mark at all, none is. For marks are
// unique, outboxes are written in their order, and one leaves the checkpoints only
// once it and all before it are committed. So after a crash the mark tells what to
// write again; with any other mark somebody else is at work, and nothing is written.
// What was handed over after the checkpoint began was never written: the engine
// goes on from the checkpoint and makes it anew.
//
// A full queue has room again only after a checkpoint, if the policy is Block. So an
// engine that waits for room goes on making checkpoints: see Runner.flush.
type transactQueue struct {
	sink  Transactor
	full  FullPolicy
	limit int
	most  int    // see transactEvents
	run   string // begins the marks of this queue
	open  []Event
	boxes []*outbox // sealed and not finished, the oldest first
	held  int       // events in boxes
	last  uint64    // the number of the last outbox
	kept  keptMessages
	done  string    // the mark of the last outbox that is finished; "": unknown
	seen  Seen      // of done
	hand  []*outbox // in the sink's hands: the first of boxes

	// Run's goroutine only, from the first call on:
	sure    bool   // what the far end has is known
	mark    string // what it had last; "": unknown
	foreign error  // somebody else writes there
}

// outbox is what was handed over between two checkpoints.
type outbox struct {
	number  uint64
	mark    string
	events  []Event // never changes
	durable bool    // a durable checkpoint has it
}

const (
	// transactEvents is how many events of outboxes that wait make one transaction,
	// and that only the last outbox goes beyond.
	transactEvents = 65_536
	// outboxPiece is how many events of an outbox make one record.
	outboxPiece = 256
	// markKey is the rest of the key of the mark of the last finished outbox; the
	// others' are their numbers in hexadecimal digits.
	markKey = "mark"
)

func newTransactQueue(sink Transactor, o OutletOptions) *transactQueue {
	return &transactQueue{sink: sink, full: o.Full, limit: o.Queue, most: transactEvents, run: rand.Text()}
}

func (q *transactQueue) kind() string            { return "transact" }
func (q *transactQueue) prepare([]Event, []span) {}
func (q *transactQueue) len() int                { return len(q.open) + q.held }
func (q *transactQueue) events() int             { return q.len() }
func (q *transactQueue) deadline() time.Time     { return time.Time{} }

func (q *transactQueue) add(events []Event, _ []span) (a added) {
	if excess := q.len() + len(events) - q.limit; excess > 0 && q.full == DropOldest {
		// What is sealed may be in a checkpoint already, and stays.
		old := min(excess, len(q.open))
		clear(q.open[:old])
		q.open = q.open[old:]
		fresh := min(excess-old, len(events))
		events = events[fresh:]
		a.full = old + fresh
	}
	q.open = append(q.open, events...)
	return a
}

// next takes outboxes that are durable: all of them as long as it is not known
// which of them are committed. Those of a transaction that failed stay as they
// were.
func (q *transactQueue) next() bool {
	if len(q.hand) == 0 {
		n := 0
		for _, box := range q.boxes {
			if !box.durable || q.sure && n >= q.most {
				break
			}
			q.hand = append(q.hand, box)
			n += len(box.events)
		}
	}
	return len(q.hand) > 0
}

func (q *transactQueue) call(ctx context.Context) error {
	if q.foreign != nil {
		return q.foreign
	}
	rest := q.hand
	if !q.sure {
		committed, err := q.recover(ctx)
		if err != nil {
			return err
		}
		if rest = rest[committed:]; len(rest) == 0 {
			return nil
		}
	}
	events := rest[0].events
	if len(rest) > 1 {
		events = slices.Clone(events)
		for _, box := range rest[1:] {
			events = append(events, box.events...)
		}
	}
	mark := rest[len(rest)-1].mark
	q.sure = false
	if err := q.sink.Transact(ctx, mark, events); err != nil {
		return err
	}
	q.sure, q.mark = true, mark
	return nil
}

var errForeignMark = errors.New("somebody else writes in the name of this sink, or the store is older than what was written; nothing is written until this program starts anew")

// recover returns how many of the outboxes in hand are committed.
func (q *transactQueue) recover(ctx context.Context) (committed int, err error) {
	mark, err := q.sink.Recover(ctx)
	if err != nil {
		return 0, err
	}
	committed = 1 + slices.IndexFunc(q.hand, func(box *outbox) bool { return box.mark == mark })
	// The far end may forget the mark of one that was idle for long.
	if committed == 0 && mark != "" && q.mark != "" && mark != q.mark {
		q.foreign = errForeignMark
		return 0, q.foreign
	}
	q.sure, q.mark = true, mark
	return committed, nil
}

func (q *transactQueue) finish() (int, Message) {
	n := 0
	for _, box := range q.hand {
		n += len(box.events)
	}
	if len(q.boxes) > 0 { // not handed over meanwhile
		q.boxes = slices.Delete(q.boxes, 0, len(q.hand))
		q.held -= n
	}
	q.hand, q.done = nil, q.mark
	return n, Message{}
}

// seal makes an outbox of what was handed over so far.
func (q *transactQueue) seal() {
	if len(q.open) == 0 {
		return
	}
	q.last++
	q.boxes = append(q.boxes, &outbox{number: q.last, mark: q.run + "-" + strconv.FormatUint(q.last, 10), events: q.open})
	q.held += len(q.open)
	q.open = nil
}

// save seals, puts what is new, and drops what is committed. It returns the
// number of the last outbox that the checkpoint has.
func (q *transactQueue) save(c *Checkpoint, prefix string) (last uint64) {
	q.seal()
	if !q.kept.any {
		c.Drop(prefix) // what another run has left
	}
	front := q.last + 1
	if len(q.boxes) > 0 {
		front = q.boxes[0].number
	}
	for number := q.kept.from; number < min(front, q.kept.to); number++ {
		c.Drop(outboxKey(prefix, number))
	}
	for _, box := range q.boxes {
		if box.number >= q.kept.to || c.Whole {
			box.putLater(c, prefix)
		}
	}
	if q.done != "" {
		c.PutChanged(prefix+markKey, &q.seen, func(w *RecordWriter) { w.Text(q.done) })
	}
	q.kept = keptMessages{front, q.last + 1, true}
	return q.last
}

func outboxKey(prefix string, number uint64) string { return fmt.Sprintf("%s%016x", prefix, number) }

// putLater has the outbox put piece by piece.
func (box *outbox) putLater(c *Checkpoint, prefix string) {
	at := 0
	c.Later(func(n int) (used int) {
		for used < n && at < len(box.events) {
			events := box.events[at:min(at+outboxPiece, len(box.events))]
			c.Put(fmt.Sprintf("%s%08x", outboxKey(prefix, box.number), at), func(w *RecordWriter) {
				w.Byte(outboxRecord)
				w.Text(box.mark)
				w.Events(events)
			})
			at += len(events)
			used += len(events)
		}
		return used
	})
}

// durable notes that a durable checkpoint has the outboxes up to that number.
func (q *transactQueue) durable(last uint64) {
	for _, box := range q.boxes {
		box.durable = box.durable || box.number <= last
	}
}

// load takes back the outboxes of a checkpoint.
func (q *transactQueue) load(l *Loading, prefix string) {
	l.Each(prefix, func(rest string, r *RecordReader) {
		if rest == markKey {
			q.done = r.Text()
			q.mark = q.done
			return
		}
		number, err := strconv.ParseUint(rest[:min(16, len(rest))], 16, 64)
		if err != nil || r.Byte() != outboxRecord {
			l.Skip()
			return
		}
		mark, events := r.Text(), r.Events()
		if r.End() != nil {
			l.Skip()
			return
		}
		if n := len(q.boxes); n == 0 || q.boxes[n-1].number != number {
			q.boxes = append(q.boxes, &outbox{number: number, mark: mark, durable: true})
		}
		box := q.boxes[len(q.boxes)-1]
		box.events = append(box.events, events...)
		q.held += len(events)
		q.last = number
	})
}

// takeOver takes all that another queue has. What that one has in hand may get
// committed still: the mark will tell.
func (q *transactQueue) takeOver(from *transactQueue) {
	q.open, q.boxes, q.held, q.last = from.open, from.boxes, from.held, from.last
	from.open, from.boxes, from.held = nil, nil, 0
}
