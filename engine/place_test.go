package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPlaces: what was served is durable once a checkpoint has it, and the next
// program reads on there.
func TestPlaces(t *testing.T) {
	s := &mapStore{}
	send := func(r *Runner, in Input, p *Place, next int64) {
		b := in.Batch()
		b.Place, b.Next = p, next
		if !in.Offer(b) {
			t.Error("a batch found no room")
		}
		synctest.Wait()
	}
	checkpointed(t, s, func(r *Runner, in Input) {
		p := in.Place("topic/0")
		if _, known := p.Served(); known || in.Place("topic/0") != p {
			t.Error("something is known of a new place, or there are two")
		}
		synctest.Wait()
		send(r, in, p, 10)
		served, _ := p.Served()
		if _, durable := p.Durable(); served != 10 || durable {
			t.Errorf("served up to %d, durable: %v; want 10, false", served, durable)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		time.Sleep(1100 * time.Millisecond)
		send(r, in, p, 20)
		if durable, _ := p.Durable(); durable != 10 {
			t.Errorf("durable up to %d, want 10", durable)
		}
		r.Do(context.Background(), func(*Engine) { // which does not serve meanwhile
			b := in.Batch()
			b.Place, b.Next = p, 30
			in.Offer(b)
			taken, _ := p.Taken()
			if served, _ := p.Served(); taken != 30 || served != 20 {
				t.Errorf("taken up to %d, served up to %d; want 30, 20", taken, served)
			}
		})
		gone := in.Place("topic/1")
		send(r, in, gone, 5)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		gone.Forget()
	})

	e := New(Options{}, 0)
	r := NewRunner(e, NewWallClock(time.Now))
	in := r.Input(InputOptions{Name: "test"})
	before := in.Place("topic/0") // made before or after, it is the same
	r.LoadPlaces(NewLoading(s.records, e.ids))
	if next, ok := before.Taken(); !ok || next != 30 {
		t.Errorf("read on at %d, %v; want 30", next, ok)
	}
	if _, ok := in.Place("topic/1").Served(); ok {
		t.Error("a place that was forgotten is known")
	}
	if _, ok := r.Input(InputOptions{Name: "other"}).Place("topic/0").Served(); ok {
		t.Error("a place of another source is known")
	}
}

// TestKeepPlaces: those of sources that are gone leave the store, and come back
// when such a source does and reads on.
func TestKeepPlaces(t *testing.T) {
	s := &mapStore{records: RecordMap{}}
	e := New(Options{}, Time(time.Now().UnixNano()))
	e.Track()
	r := NewRunner(e, NewWallClock(time.Now))
	r.SetCheckpoints(CheckpointOptions{Store: s, Save: func(*Checkpoint) {}})
	keep := func(want ...string) {
		t.Helper()
		if err := r.FirstCheckpoint(); err != nil {
			t.Fatal(err)
		}
		var got []string
		s.records.Each(placePrefix, func(key, _ string) { got = append(got, strings.ReplaceAll(key[len(placePrefix):], "\x00", " ")) })
		if !slices.Equal(got, want) {
			t.Errorf("the store has %q, want %q", got, want)
		}
	}
	a, b := r.Input(InputOptions{Name: "a"}), r.Input(InputOptions{Name: "b"})
	for _, p := range []*Place{a.Place("0"), a.Place("1"), b.Place("0")} {
		p.served.Store(7)
	}
	keep("a 0", "a 1", "b 0")
	r.Remove(a) // it has stopped, and may come back
	keep("a 0", "a 1", "b 0")
	r.KeepPlaces([]string{"b"})
	keep("b 0")
	if len(r.places) != 1 {
		t.Errorf("%d places are left", len(r.places))
	}

	r.KeepPlaces(nil)
	again := r.Input(InputOptions{Name: "b"}).Place("0") // before a checkpoint
	if _, ok := again.Served(); ok {
		t.Error("a place is known that was forgotten")
	}
	keep()
	again.served.Store(9)
	keep("b 0")

	// What a program before has left goes as well, though this one never wrote it.
	r = NewRunner(e, NewWallClock(time.Now))
	r.SetCheckpoints(CheckpointOptions{Store: s, Save: func(*Checkpoint) {}})
	r.LoadPlaces(NewLoading(s.records, e.ids))
	r.KeepPlaces([]string{"a"})
	keep()
}
