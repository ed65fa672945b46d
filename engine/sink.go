package engine

import (
	"context"
	"errors"
)

// Message is what a rule handed to a sink at one time: one event, or the list
// that an operator such as rollup made.
type Message struct {
	Events []Event
	// List tells that the rule handed over a list, even if it has one event.
	List bool
}

// Sink acts on events. It implements exactly one of Notifier, Actuator,
// Forwarder and Transactor, which says what its outlet does with events that it cannot take at
// once. The outlet queues, batches, retries and counts; a sink only does the
// one thing, and never has to lock: all its methods are called from the
// outlet's goroutine, one at a time. Events are read-only.
type Sink interface {
	// Open connects, or checks that connecting makes sense. It is called once,
	// before any event. An error stops the start of the program, so a sink
	// whose far end may be away for a while connects at its first use instead.
	Open(ctx context.Context) error
	// Close lets go of everything. It is called once, after the last event.
	Close() error
}

// Notifier is a sink for which every message matters: a page, a mail.
type Notifier interface {
	Sink
	// Notify delivers one message. Messages come in the order in which the
	// rules made them. An error is retried with back-off until the message's
	// life is over, unless it is Permanent.
	Notify(ctx context.Context, m Message) error
}

// Actuator is a sink for which only the newest wish for each target matters:
// a pixel, a weight.
type Actuator interface {
	Sink
	// Target names what the event is a wish for. "" means nothing, and the
	// event is dropped and counted. It is called on the engine's goroutine,
	// so it must be quick and touch only what never changes after Open.
	Target(e *Event) string
	// Actuate makes the wishes true: the newest for each target that has a new
	// one, in the order of their first wish. On an error they are tried again,
	// unless newer ones have come meanwhile.
	Actuate(ctx context.Context, wishes []Event) error
}

// Forwarder is a sink that passes telemetry on: a file, a topic.
type Forwarder interface {
	Sink
	// Forward writes a batch. On an error it is called again with the same
	// batch, unless the error is Permanent.
	Forward(ctx context.Context, events []Event) error
}

// Transactor is a sink that passes telemetry on exactly once, by transactions of
// its far end. It needs checkpoints.
type Transactor interface {
	Sink
	// Recover ends what an earlier Transact has left open, of this program or of
	// one before it, sees to it that nothing of that is committed any more, and
	// returns the mark of the last transaction that was committed; "" for none.
	// It is called before the first Transact, and after one that failed.
	Recover(ctx context.Context) (mark string, err error)
	// Transact writes events and the mark in one transaction. After an error,
	// whatever it was, it is not known whether that was committed.
	Transact(ctx context.Context, mark string, events []Event) error
}

// Reopener is an optional ability of a Sink: Reopen is called on SIGHUP, as
// after a log file was moved away.
type Reopener interface {
	Reopen() error
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error of a sink that trying again cannot mend, such as
// a message that the far end refused as malformed.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}
