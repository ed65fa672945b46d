package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// transactLog is a far end with transactions: what a reader of what is committed
// sees, and the mark. A newer epoch fences those before.
type transactLog struct {
	committed []float64
	mark      string
	epoch     int
	pending   func() // commits a transaction that was left in doubt
}

// doubt is what happens to calls.
type doubt string

var doubts = []doubt{"goes well", "fails", "is done and fails", "stays in doubt"}

// transactClient is one process's end of a transactLog.
type transactClient struct {
	log   *transactLog
	epoch int
	draw  func() doubt
}

var errDoubt = errors.New("the connection broke")

func (c *transactClient) Open(context.Context) error { return nil }
func (c *transactClient) Close() error               { return nil }

func (c *transactClient) Recover(context.Context) (string, error) {
	d := c.draw()
	if d == "fails" {
		return "", errDoubt
	}
	l := c.log
	if l.pending != nil && d == "goes well" { // it was about to be committed
		l.pending()
	}
	l.epoch++
	c.epoch, l.pending = l.epoch, nil
	if d == "is done and fails" {
		return "", errDoubt
	}
	return l.mark, nil
}

func (c *transactClient) Transact(_ context.Context, mark string, events []Event) error {
	l := c.log
	if c.epoch != l.epoch {
		return errors.New("fenced")
	}
	commit := func() {
		for i := range events {
			l.committed = append(l.committed, events[i].Metric)
		}
		l.mark, l.pending = mark, nil
	}
	switch c.draw() {
	case "fails":
		return errDoubt
	case "is done and fails":
		commit()
		return errDoubt
	case "stays in doubt":
		l.pending = commit
		return errDoubt
	}
	commit()
	return nil
}

// transactProcess is an engine that hands the numbers from 1 on to its sink, with
// its checkpoints.
type transactProcess struct {
	queue      *transactQueue
	number     int         // of the last event
	checkpoint *Checkpoint // nil: none
	last       uint64
	whole      bool
}

const transactPrefix = sinkPrefix + "x\x00"

func (p *transactProcess) begin() {
	p.checkpoint = &Checkpoint{Whole: p.whole}
	p.checkpoint.Put(engineKey, func(w *RecordWriter) { w.Int(p.number) })
	p.last = p.queue.save(p.checkpoint, transactPrefix)
}

func (p *transactProcess) deliver() {
	if p.queue.next() && p.queue.call(context.Background()) == nil {
		p.queue.finish()
	}
}

func startTransactProcess(store RecordMap, client *transactClient) *transactProcess {
	p := &transactProcess{queue: newTransactQueue(client, OutletOptions{Queue: 1 << 20, Full: DropOldest}), whole: true}
	p.queue.most = 2
	l := NewLoading(store, NewIdentities(1))
	if r, ok := l.Record(engineKey); ok {
		p.number = r.Int(1 << 20)
		p.queue.load(l, transactPrefix)
		p.whole = false
	}
	return p
}

// TestTransactExactlyOnce: whatever fails or crashes when, a reader of what is
// committed sees each event once, in order.
func TestTransactExactlyOnce(t *testing.T) {
	id := NewIdentities(1).Loose(Parts{})
	rapid.Check(t, func(t *rapid.T) {
		log, store := &transactLog{}, RecordMap{}
		calm := false
		client := func() *transactClient {
			return &transactClient{log: log, draw: func() doubt {
				if calm {
					return "goes well"
				}
				return rapid.SampledFrom(doubts).Draw(t, "call")
			}}
		}
		p := startTransactProcess(store, client())
		var zombies []*transactProcess
		put := func(n int) {
			var events []Event
			for range n {
				p.number++
				e := Event{ID: id}
				e.SetMetric(float64(p.number))
				events = append(events, e)
			}
			if a := p.queue.add(events, nil); a.full != 0 {
				t.Fatalf("dropped %d of %d", a.full, n)
			}
		}
		commit := func(d doubt) {
			p.checkpoint.Finish()
			if d != "fails" {
				store.Apply(p.checkpoint)
			}
			p.whole = d != "goes well"
			if !p.whole {
				p.queue.durable(p.last)
			}
			p.checkpoint = nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) { put(rapid.SampledFrom([]int{1, 2, outboxPiece + 1}).Draw(t, "n")) },
			"checkpoint": func(t *rapid.T) {
				switch {
				case p.checkpoint == nil:
					p.begin()
				case p.checkpoint.More(rapid.IntRange(1, 2*outboxPiece).Draw(t, "records")):
					commit(rapid.SampledFrom(doubts).Draw(t, "commit"))
				}
			},
			"deliver": func(*rapid.T) { p.deliver() },
			"commit what is in doubt": func(t *rapid.T) {
				if log.pending == nil {
					t.Skip()
				}
				log.pending()
			},
			"crash": func(*rapid.T) {
				if p.queue.mark+p.queue.done != "" { // the first start on a store believes any mark
					zombies = append(zombies, p)
				}
				p = startTransactProcess(store, client())
			},
			"old process": func(t *rapid.T) {
				if len(zombies) == 0 {
					t.Skip()
				}
				rapid.SampledFrom(zombies).Draw(t, "zombie").deliver()
			},
			"reload": func(*rapid.T) {
				old := p.queue
				p.queue = newTransactQueue(client(), OutletOptions{Queue: 1 << 20, Full: DropOldest})
				p.queue.most = 2
				p.queue.takeOver(old)
				if len(old.hand) > 0 {
					old.finish()
				}
			},
			"": func(t *rapid.T) {
				for i, n := range log.committed {
					if n != float64(i+1) {
						t.Fatalf("event %v stands at %d", n, i+1)
					}
				}
			},
		})
		calm = true
		for range 2 {
			if p.checkpoint != nil {
				commit("goes well")
			}
			p.begin()
		}
		commit("goes well")
		for p.queue.next() {
			p.deliver()
			if p.queue.foreign != nil {
				t.Fatal(p.queue.foreign)
			}
		}
		if len(log.committed) != p.number {
			t.Fatalf("%d of %d events are committed", len(log.committed), p.number)
		}
		p.begin()
		commit("goes well")
		store2 := startTransactProcess(store, client())
		if n := store2.queue.len(); n != 0 || store2.number != p.number {
			t.Fatalf("%d events are left in the store, number %d", n, store2.number)
		}
	})
}

// transactRecorder writes down what is transacted.
type transactRecorder struct {
	mark  string
	calls []string
}

func (r *transactRecorder) Open(context.Context) error              { return nil }
func (r *transactRecorder) Close() error                            { return nil }
func (r *transactRecorder) Recover(context.Context) (string, error) { return r.mark, nil }
func (r *transactRecorder) Transact(_ context.Context, mark string, events []Event) error {
	r.mark = mark
	call := ""
	for i := range events {
		call += events[i].State
	}
	r.calls = append(r.calls, call)
	return nil
}

func keptCheckpoint(s *mapStore, c *Checkpoint, outlets ...*Outlet) {
	c.Put(engineKey, func(*RecordWriter) {})
	for _, o := range outlets {
		o.Save(c)
	}
	s.records.Apply(c)
	for _, f := range c.durable {
		f()
	}
}

// TestTransactAfterCheckpoint: nothing is written before its checkpoint is
// durable, and what was not is kept over a reload and a restart.
func TestTransactAfterCheckpoint(t *testing.T) {
	sink := &transactRecorder{}
	s := &mapStore{records: RecordMap{}}
	runOutlet(t, sink, OutletOptions{}, func(t *outletTest) {
		t.put("a", "b")
		synctest.Wait()
		if len(sink.calls) != 0 {
			t.Errorf("wrote %q before the checkpoint", sink.calls)
		}
		keptCheckpoint(s, &Checkpoint{}, t.Outlet)
		synctest.Wait()
		t.put("c")
		keptCheckpoint(s, &Checkpoint{}, t.Outlet)
		synctest.Wait()
		if want := []string{"ab", "c"}; !slices.Equal(sink.calls, want) {
			t.Errorf("wrote %q, want %q", sink.calls, want)
		}
		t.put("d")
		t.Save(&Checkpoint{}) // so that it counts as kept
		t.counts(map[string]int{"events": 4, "delivered": 3})
	})
	next := &transactRecorder{mark: sink.mark}
	runOutlet(t, next, OutletOptions{}, func(t *outletTest) {
		old, err := NewOutlet(OutletOptions{Name: t.Name(), Sink: sink})
		if err != nil {
			t.Fatal(err)
		}
		LoadOutlets(NewLoading(s.records, NewIdentities(1)), []*Outlet{old})
		var c Checkpoint
		old.Put(Message{Events: stateEvents("e")})
		old.Flush()
		old.Save(&c)
		if !old.Handover(t.Outlet) {
			t.Fatal("nothing is handed over")
		}
		for _, f := range c.durable { // of a checkpoint that was begun before
			f()
		}
		synctest.Wait()
		if want := []string{"e"}; !slices.Equal(next.calls, want) || t.len() != 0 {
			t.Errorf("wrote %q, want %q", next.calls, want)
		}
	})
}

func TestTransactDropsOldest(t *testing.T) {
	f := func(sealed, open, more int, dropped, left int) {
		t.Helper()
		q := newTransactQueue(&transactRecorder{}, OutletOptions{Queue: 10, Full: DropOldest})
		q.add(make([]Event, sealed), nil)
		q.seal()
		q.add(make([]Event, open), nil)
		if a := q.add(make([]Event, more), nil); a.full != dropped || q.len() != left {
			t.Errorf("%d %d %d: dropped %d, has %d", sealed, open, more, a.full, q.len())
		}
	}
	f(0, 8, 2, 0, 10)
	f(4, 5, 3, 2, 10)
	f(10, 0, 3, 3, 10)
	f(0, 3, 30, 23, 10)
}

// TestTransactForeignMark: of two programs with the same checkpoint, the one that
// comes too late writes nothing, even if it never was in touch with the far end.
func TestTransactForeignMark(t *testing.T) {
	log, store := &transactLog{}, RecordMap{}
	client := func() *transactClient {
		return &transactClient{log: log, draw: func() doubt { return "goes well" }}
	}
	work := func(p *transactProcess) {
		p.queue.add(make([]Event, 1), nil)
		p.queue.open[0].ID = NewIdentities(1).Loose(Parts{})
		p.begin()
		store.Apply(p.checkpoint)
		p.queue.durable(p.last)
	}
	first := startTransactProcess(store, client())
	work(first)
	first.deliver()
	work(first) // so that the store has the mark of what was delivered
	late, next := startTransactProcess(store, client()), startTransactProcess(store, client())
	next.deliver()
	work(next)
	next.deliver()
	late.deliver()
	if late.queue.foreign == nil || len(log.committed) != 3 {
		t.Errorf("error %v, %d events", late.queue.foreign, len(log.committed))
	}
	work(next)
	next.deliver() // is fenced
	next.deliver()
	if next.queue.foreign != nil || len(log.committed) != 4 {
		t.Errorf("error %v, %d events", next.queue.foreign, len(log.committed))
	}
}
