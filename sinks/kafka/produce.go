package kafka

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// round is one try of some records of a batch. Records that the client has taken
// are its own until it says what became of them: it repeats them, in their
// order, and nobody else may.
type round struct {
	errs []error // by the place in the batch
	left atomic.Int64
	done chan struct{} // closed when nothing is left
}

// produce begins to write those of the records that todo names. When ctx is done,
// records are given up that may have been written.
func produce(ctx context.Context, client *kgo.Client, records []kgo.Record, todo []int) *round {
	r := &round{errs: make([]error, len(records)), done: make(chan struct{})}
	r.left.Store(int64(len(todo)))
	for _, i := range todo {
		client.Produce(ctx, &records[i], func(_ *kgo.Record, err error) {
			r.errs[i] = err
			if r.left.Add(-1) == 0 {
				close(r.done)
			}
		})
	}
	if len(todo) == 0 {
		close(r.done)
	}
	return r
}

// wait waits until it is known what became of all records, or until ctx is done.
func (r *round) wait(ctx context.Context, client *kgo.Client) error {
	if err := client.Flush(ctx); err != nil {
		return err
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ofTheRecord reports whether an error is about what a record holds, so that the
// others can be written without it. It may be about another record of the same
// batch, unless the record was sent alone.
func ofTheRecord(err error) bool {
	for _, e := range []error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
