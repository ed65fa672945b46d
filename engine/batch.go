package engine

import (
	"context"
	"time"
)

// BatchSize is how many events a batch holds at most, but for those of one record
// of a Place, which are not parted.
const BatchSize = 512

// Batch is a number of events on their way from a source to the engine. It
// belongs to the source until it is sent, and to the engine from then on.
type Batch struct {
	// Events are what the source decoded. An event without HasTime gets the
	// clock's time; Arrival is set by the engine.
	Events []Event
	// Done, when not nil, is called once, on any goroutine, when the events have
	// been through the streams and, if there is a Log, are kept by it. Its error
	// says that they are not: ErrStopped when the engine stopped before it served
	// them. It must not block.
	Done func(error)
	// Place, when not nil, is where the events were read, and Next up to where:
	// what comes next there. Batches of one place come in order.
	Place *Place
	Next  int64

	received time.Time // for the latency histogram
	input    *input
}

// idle reports whether the batch need not go through the engine.
func (b *Batch) idle() bool { return len(b.Events) == 0 && b.Done == nil && b.Place == nil }

// Full reports whether the batch has no room for another event.
func (b *Batch) Full() bool { return len(b.Events) >= BatchSize }

// Add appends an event of id and returns it, to be filled in. The pointer is
// valid until the next Add. The batch must not be Full, unless the event is of
// the same record as the one before it.
func (b *Batch) Add(id *Identity) *Event {
	n := len(b.Events)
	if n < cap(b.Events) {
		b.Events = b.Events[:n+1]
		b.Events[n] = Event{ID: id}
	} else {
		b.Events = append(b.Events, Event{ID: id})
	}
	return &b.Events[n]
}

// Input is how a source reaches the engine. All methods may be called from any
// goroutine of the source.
type Input interface {
	// Identities is the table that the source interns new identities into.
	Identities() *Identities
	// Batch returns an empty batch.
	Batch() *Batch
	// Send hands a batch to the engine and waits while the engine is behind:
	// for sources that can hold their sender back. It fails only when ctx is
	// done or the engine has stopped. An empty batch goes straight back.
	Send(ctx context.Context, b *Batch) error
	// Offer hands a batch over if there is room, and otherwise drops and
	// counts its events, without calling Done: for sources that cannot wait.
	// It never blocks.
	Offer(b *Batch) bool
	// Place returns somewhere that the source can read again. Of one name there
	// is one.
	Place(name string) *Place
	// Notice makes an event that tells of the source itself, as that its server
	// cannot be reached, and later that it can: see Engine.Notice. It has the
	// attribute source besides attrs. It does not block: when too many come at
	// once, some are lost.
	Notice(service, state, description string, attrs ...Attr)
}
