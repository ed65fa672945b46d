package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tocsin/engine"
)

// node is an engine that runs.
type node struct {
	engine *engine.Engine
	runner *engine.Runner
	input  engine.Input
}

func newNode(clock engine.Clock) *node {
	n := &node{engine: engine.New(engine.Options{Skew: time.Second}, 0)}
	n.runner = engine.NewRunner(n.engine, clock)
	n.input = n.runner.Input(engine.InputOptions{Name: "http", TTL: time.Hour, Tags: []string{"web"}})
	return n
}

// entries are what the index holds.
func (n *node) entries() (out []string) {
	n.engine.Index().Scan(0, n.engine.Index().Len(), func(e *engine.Event) {
		out = append(out, fmt.Sprint(string(engine.AppendJSON(nil, e)), e.Arrival))
	})
	slices.Sort(out)
	return out
}

// TestEngineComesBack runs an engine with a journal, and has another one serve
// what was kept.
func TestEngineComesBack(t *testing.T) {
	dir := t.TempDir()
	clock := engine.NewWallClock(time.Now)
	first := newNode(clock)
	log, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	first.runner.SetLog(log)
	var running, senders sync.WaitGroup
	running.Go(func() { first.runner.Run(context.Background()) })
	const perSender = 50
	for sender := range 4 {
		senders.Go(func() {
			for i := range perSender {
				send(t, first.input, sender, i)
			}
		})
	}
	senders.Wait()
	first.runner.Stop()
	running.Wait()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if p := first.engine.Position(); p != 4*perSender {
		t.Errorf("at batch %d", p)
	}

	if log, err = Open(dir, Options{}); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	second := newNode(clock)
	err = log.Replay(1, second.engine.Identities(), func(l *engine.Logged) error { second.runner.Replay(t.Context(), *l); return nil })
	if err != nil {
		t.Fatal(err)
	}
	got, want := second.entries(), first.entries()
	if !slices.Equal(got, want) || len(got) != 7 || second.engine.Position() != first.engine.Position() {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// send sends a batch and waits until it is kept.
func send(t *testing.T, in engine.Input, sender, i int) {
	b := in.Batch()
	p := engine.Parts{}
	p.SetHost("h")
	p.SetService(fmt.Sprint("service ", (sender+i)%7))
	id, err := in.Identities().Intern(p)
	if err != nil {
		t.Error(err)
		return
	}
	e := b.Add(id)
	e.SetMetric(float64(i))
	switch i % 3 { // no time, a late one, and one too far ahead
	case 1:
		e.SetTime(1)
	case 2:
		e.SetTime(engine.Time(time.Now().Add(time.Hour).UnixNano()))
	}
	done := make(chan error, 1)
	b.Done = func(err error) { done <- err }
	if err := in.Send(context.Background(), b); err != nil {
		t.Error(err)
		return
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestReadBesideTheWriter: a reader finds a prefix, whatever the writer is at.
func TestReadBesideTheWriter(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{segmentBytes: 20_000})
	r.append(1, second, 2)
	const batches = 200
	written := make(chan struct{})
	go func() {
		defer close(written)
		for position := uint64(2); position <= batches; position++ {
			r.append(position, second, 20)
		}
	}()
	read := func() (last uint64) {
		o := ReadOptions{Identities: engine.NewIdentities(100_000), Bad: func(err error) { t.Error(err) }}
		if err := Read(r.dir, o, func(l *engine.Logged) error {
			if l.Position != last+1 {
				t.Errorf("got batch %d after %d", l.Position, last)
			}
			last = l.Position
			return nil
		}); err != nil {
			t.Error(err)
		}
		return last
	}
	for done := false; !done; {
		select {
		case <-written:
			done = true
		default:
			read()
		}
	}
	if last := read(); last != batches {
		t.Errorf("read %d batches of %d", last, batches)
	}
}
