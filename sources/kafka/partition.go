package kafka

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
)

// partition is one partition while it is ours.
type partition struct {
	partitionKey
	place    *engine.Place
	counters *partitionCounters
	queue    chan<- chunk // of its worker

	// What only poll uses.
	fetched int64 // up to where records were handed to the worker
	failing bool  // there was an error, and no record since
	broken  bool  // the batch at fetched cannot be read
	skip    int64 // the offset behind it; 0: not known
	retry   time.Time

	committed int64        // what the group was told last; under consumer.commits
	end       atomic.Int64 // of the log, as far as we know
	gone      atomic.Bool  // nothing of it goes to the engine any more
	pending   atomic.Int64 // chunks and batches on the way
	idle      chan struct{}
	done      func(error) // for batches
}

// chunk is what a worker decodes at once. next is where its partition goes on
// after it.
type chunk struct {
	partition *partition
	records   []*kgo.Record
	next      int64
	size      int         // in bytes
	done      func(error) // for the last batch; it gives back the room
}

func newPartition(key partitionKey, place *engine.Place, at int64) *partition {
	p := &partition{partitionKey: key, place: place, fetched: at, committed: -1, idle: make(chan struct{}, 1)}
	p.done = func(err error) {
		if err != nil {
			p.gone.Store(true)
		}
		p.less()
	}
	return p
}

// less says that one thing less is on the way.
func (p *partition) less() {
	if p.pending.Add(-1) == 0 {
		p.tellIdle()
	}
}

func (p *partition) tellIdle() {
	select {
	case p.idle <- struct{}{}:
	default:
	}
}

// wait waits until nothing is on the way, or until the deadline, unless all of it
// has to end. Several may wait.
func (p *partition) wait(deadline time.Time, all bool) {
	timeout := time.After(time.Until(deadline))
	if all {
		timeout = nil
	}
	for p.pending.Load() > 0 {
		select {
		case <-p.idle:
		case <-timeout:
			return
		}
	}
	p.tellIdle() // whoever waits beside us
}

// durable reports whether nothing is on the way, and what was served need not be
// read again.
func (p *partition) durable() bool {
	served, ok := p.place.Served()
	kept, _ := p.place.Durable()
	return p.pending.Load() == 0 && (!ok || kept == served)
}

// lag is how many records wait.
func (p *partition) lag() int64 {
	served, ok := p.place.Served()
	if !ok {
		return 0
	}
	return max(0, p.end.Load()-served)
}

// room bounds the bytes of records that are not served yet: a few bytes can make an
// event, which takes more. One goroutine takes.
type room struct {
	mu    sync.Mutex
	size  int
	taken int
	freed chan struct{}
}

func newRoom(size int) *room { return &room{size: size, freed: make(chan struct{}, 1)} }

// take waits until n bytes have room, or nothing else is there, and reports false
// when ctx is done before.
func (r *room) take(ctx context.Context, n int) bool {
	for !r.tryTake(n) {
		select {
		case <-r.freed:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (r *room) tryTake(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken > 0 && r.taken+n > r.size {
		return false
	}
	r.taken += n
	return true
}

func (r *room) give(n int) {
	r.mu.Lock()
	r.taken -= n
	r.mu.Unlock()
	select {
	case r.freed <- struct{}{}:
	default:
	}
}
