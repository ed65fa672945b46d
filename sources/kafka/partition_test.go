package kafka

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
)

// TestWaitTogether: a rebalance and the end of the source may wait for the same
// batches.
func TestWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartition(partitionKey{"t", 0}, nil, 0)
		p.pending.Add(1)
		var waits sync.WaitGroup
		for range 3 {
			waits.Go(func() { p.wait(time.Now().Add(time.Hour), false) })
			waits.Go(func() { p.wait(time.Time{}, true) })
		}
		began := time.Now()
		synctest.Wait()
		p.less()
		waits.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// slow is an engine that has batches wait.
type slow struct {
	*discard
	waiting []*engine.Batch
}

func (s *slow) Batch() *engine.Batch { return &engine.Batch{} }

func (s *slow) Send(_ context.Context, b *engine.Batch) error {
	s.waiting = append(s.waiting, b)
	return nil
}

// TestRoomUntilServed: records that are decoded take room until the engine has
// served them.
func TestRoomUntilServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k, in := newBench(t, "json", `[{"service":"a"},{"service":"b"}]`, nil)
		engine := &slow{discard: in}
		queue := make(chan chunk, 1)
		w.in, w.queue, w.room, k.partition.queue = engine, queue, newRoom(k.size), queue
		var wg sync.WaitGroup
		wg.Go(func() { w.run(t.Context()) })
		handed := 0
		wg.Go(func() {
			for range 3 {
				w.hand(t.Context(), chunk{partition: k.partition, records: k.records, next: k.next, size: k.size})
				handed++
			}
			close(queue)
		})
		for want := 1; want <= 3; want++ {
			synctest.Wait()
			if handed != want {
				t.Fatalf("%d chunks are handed on, want %d", handed, want)
			}
			served := engine.waiting
			engine.waiting = nil
			for _, b := range served {
				b.Done(nil)
			}
		}
		wg.Wait()
		if w.room.taken != 0 || k.partition.pending.Load() != 0 {
			t.Errorf("%d bytes and %d pieces are still on the way", w.room.taken, k.partition.pending.Load())
		}
	})
}

func TestPiece(t *testing.T) {
	records := []*kgo.Record{record("t", 0, "12345"), record("t", 0, "12345"), record("t", 0, ""), record("t", 0, "1")}
	f := func(from, most, n, size int) {
		t.Helper()
		if gotN, gotSize := piece(records[from:], most); gotN != n || gotSize != size {
			t.Errorf("got %d records of %d bytes, want %d of %d", gotN, gotSize, n, size)
		}
	}
	f(0, 0, 1, 5)
	f(0, 9, 1, 5)
	f(0, 10, 3, 10)
	f(0, 11, 4, 11)
	f(2, 0, 1, 0)
	f(3, 100, 1, 1)
}
