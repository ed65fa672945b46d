package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// mapStore is a store that loses everything at the end of the program. It fails
// as often as it is told to.
type mapStore struct {
	records RecordMap
	fail    int
	slow    time.Duration // what the first commit takes
	commits []bool        // whether each was whole
	sizes   []int
}

func (s *mapStore) Commit(c *Checkpoint) error {
	time.Sleep(s.slow)
	s.slow = 0
	if s.fail > 0 {
		s.fail--
		return errors.New("no space left on device")
	}
	s.records.Apply(c)
	s.commits = append(s.commits, c.Whole)
	s.sizes = append(s.sizes, c.Len())
	return nil
}

// checkpointed runs an engine with checkpoints; work sends to it, in a bubble
// of virtual time, until it returns. The store has the last checkpoint then.
func checkpointed(t *testing.T, s *mapStore, work func(r *Runner, in Input)) *Runner {
	s.records = make(RecordMap)
	var r *Runner
	synctest.Test(t, func(t *testing.T) {
		e := New(Options{}, Time(time.Now().UnixNano()))
		e.Track()
		r = NewRunner(e, NewWallClock(time.Now))
		r.SetCheckpoints(CheckpointOptions{Store: s, Save: func(*Checkpoint) {}})
		done := make(chan struct{})
		go func() { defer close(done); r.Run(context.Background()) }()
		work(r, r.Input(InputOptions{Name: "test"}))
		r.Stop()
		<-done
		if err := r.LastCheckpoint(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// sendServices sends an event of each of so many services.
func sendServices(t *testing.T, in Input, from, to int) {
	b := in.Batch()
	for i := from; i < to; i++ {
		id, err := in.Identities().Intern(serviceParts(fmt.Sprint("s", i), "", ""))
		if err != nil {
			t.Fatal(err)
		}
		b.Add(id).SetTTL(time.Hour)
	}
	if err := in.Send(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// wantKept checks that an engine made of what a store has has the same entries.
func wantKept(t *testing.T, s *mapStore, r *Runner) {
	t.Helper()
	loaded := New(Options{}, 0)
	l := NewLoading(s.records, loaded.ids)
	if err := loaded.Load(l); err != nil || l.Skipped() > 0 {
		t.Fatal(err, l.Skipped())
	}
	if got, want := loaded.Index().Len(), r.engine.Index().Len(); got != want {
		t.Errorf("the store has %d entries, want %d", got, want)
	}
}

// TestCheckpoints: each has what came since the one before.
func TestCheckpoints(t *testing.T) {
	s := &mapStore{}
	r := checkpointed(t, s, func(r *Runner, in Input) {
		for second := range 3 {
			sendServices(t, in, 0, 10*(second+1))
			time.Sleep(time.Second)
			synctest.Wait()
		}
	})
	wantKept(t, s, r)
	if len(s.sizes) < 4 {
		t.Errorf("%d checkpoints were kept, want one a second and one at the end", len(s.sizes))
	}
	if last := s.sizes[len(s.sizes)-1]; last != 1 {
		t.Errorf("the last checkpoint has %d records, want only the clock", last)
	}
}

// TestCheckpointsAfterFailure: what could not be kept is tried again whole, with
// longer and longer waits, and events tell of it.
func TestCheckpointsAfterFailure(t *testing.T) {
	s := &mapStore{fail: 3}
	var told []string
	r := checkpointed(t, s, func(r *Runner, in Input) {
		if err := r.Do(context.Background(), func(e *Engine) {
			e.Subscribe(nil, &recorder{then: func(ev *Event) {
				if ev.ID.Service == "tocsin store" {
					told = append(told, ev.State)
				}
			}})
		}); err != nil {
			t.Fatal(err)
		}
		sendServices(t, in, 0, 10)
		time.Sleep(2 * time.Second)
		sendServices(t, in, 10, 20)
		time.Sleep(30 * time.Second)
		synctest.Wait()
	})
	wantKept(t, s, r)
	if s.fail != 0 || len(s.commits) == 0 || !s.commits[0] {
		t.Errorf("%d failures are left, whole were %v; want 0, the first one", s.fail, s.commits)
	}
	for _, whole := range s.commits[1:] {
		if whole {
			t.Error("a later checkpoint was whole, too")
		}
	}
	if fmt.Sprint(told) != "[critical ok]" {
		t.Errorf("events told %v, want critical and then ok", told)
	}
}

// TestLastCheckpointWhileRunning: it is refused.
func TestLastCheckpointWhileRunning(t *testing.T) {
	e := New(Options{}, 0)
	r := NewRunner(e, NewWallClock(time.Now))
	r.SetCheckpoints(CheckpointOptions{Store: &mapStore{records: RecordMap{}}, Save: func(*Checkpoint) {}})
	if err := r.LastCheckpoint(); err == nil {
		t.Error("a last checkpoint was kept before the end")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Run(ctx)
	if err := r.LastCheckpoint(); err != nil {
		t.Error(err)
	}
}

// TestCommitThatHangs: it holds up neither the engine nor a swap, and what is
// noted for the checkpoint after it does not grow for ever.
func TestCommitThatHangs(t *testing.T) {
	s := &mapStore{slow: 10 * time.Minute}
	most := 0
	r := checkpointed(t, s, func(r *Runner, in Input) {
		for second := range 600 {
			sendServices(t, in, second, second+10)
			time.Sleep(time.Second)
			if _, err := r.Swap(context.Background(), func(old *Engine) (*Engine, error) {
				most = max(most, len(old.index.changes.changed))
				return nil, errors.New("not now")
			}); err == nil {
				t.Error("swapped")
			}
		}
		time.Sleep(time.Second)
		sendServices(t, in, 0, 10)
		time.Sleep(2 * time.Second)
	})
	wantKept(t, s, r)
	if most > 100 {
		t.Errorf("%d changes were noted", most)
	}
	if whole := s.commits[:3]; fmt.Sprint(whole) != "[false true false]" {
		t.Errorf("whole were %v, want the second one", whole)
	}
}

// TestPanicInTheLastCheckpoint: what it had collected is given up.
func TestPanicInTheLastCheckpoint(t *testing.T) {
	s := &mapStore{}
	r := checkpointed(t, s, func(r *Runner, in Input) {
		time.Sleep(1500 * time.Millisecond)
		sendServices(t, in, 0, 10)
		if err := r.Do(context.Background(), func(*Engine) {
			r.SaveWith(func(*Checkpoint) {
				r.SaveWith(func(*Checkpoint) {})
				r.Stop()
				panic("a mistake")
			})
		}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	})
	wantKept(t, s, r)
	if last := s.commits[len(s.commits)-1]; !last || len(s.commits) != 3 {
		t.Errorf("whole were %v, want the last of 3", s.commits)
	}
}

// TestCheckpointGivesBack: one that is small again takes little.
func TestCheckpointGivesBack(t *testing.T) {
	var c Checkpoint
	before := 0
	for _, n := range []int{10, 4 << 20, 3 << 20, 10, 10} {
		c.Reset()
		c.Put("key", func(w *RecordWriter) { w.Text(string(make([]byte, n))) })
		if most := max(checkpointKept, 4*n, 4*before); c.held() > most {
			t.Errorf("%d bytes after %d take %d", n, before, c.held())
		}
		before = n
	}
}
