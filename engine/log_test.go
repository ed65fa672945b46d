package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// memoryLog is a Log in memory, in binary form.
type memoryLog struct {
	batches []loggedBytes
	held    []*Batch // not settled yet
}

type loggedBytes struct {
	Logged
	data []byte
	n    int
}

func (l *memoryLog) Append(b *Batch, at Served) {
	entry := loggedBytes{Logged: Logged{Served: at, Source: b.Source()}, n: len(b.Events)}
	for i := range b.Events {
		entry.data = AppendEvent(entry.data, &b.Events[i], at.Now)
	}
	l.batches = append(l.batches, entry)
	l.held = append(l.held, b)
}

func (l *memoryLog) settle(err error) {
	for _, b := range l.held {
		b.Settle(err)
	}
	l.held = nil
}

// replay hands all batches to r.
func (l *memoryLog) replay(t *rapid.T, r *Runner) {
	decoder := NewEventDecoder(r.engine.ids)
	for _, entry := range l.batches {
		rest, err := entry.data, error(nil)
		entry.Events = make([]Event, entry.n)
		for i := range entry.Events {
			if rest, err = decoder.Decode(rest, entry.Now, &entry.Events[i]); err != nil {
				t.Fatal(err)
			}
		}
		r.Replay(context.Background(), entry.Logged)
	}
}

// gate is a stream before the index: it lets events with a metric pass, under
// another name.
type gate struct {
	engine *Engine
	seen   *[]string
}

func (g gate) Handle(e *Event) {
	*g.seen = append(*g.seen, "gate "+show(e))
	if e.Has&HasMetric != 0 {
		p := e.ID.Parts()
		p.SetService("passed " + p.Service)
		passed := *e
		passed.ID = g.engine.ids.Loose(p)
		g.engine.Ingest(&passed)
	}
}
func (g gate) Fail(*Event, error) {}

// logNode is a runner with three inputs whose streams note all that they see.
type logNode struct {
	*Runner
	seen   []string
	inputs []Input
}

func newLogNode(clock Clock) *logNode {
	n := &logNode{}
	e := New(Options{Forget: 20 * time.Second, Skew: time.Second}, 0)
	e.StartAt(1_000_000_000_000)
	n.Runner = NewRunner(e, clock)
	panics := 0
	e.Subscribe(nil, &recorder{then: func(ev *Event) {
		n.seen = append(n.seen, show(ev), fmt.Sprint(ev.Has, ev.TTL, ev.Arrival, ev.ID.Labels.Tags, ev.ID.Labels.Attrs))
		if ev.Has&HasMetric != 0 && ev.Metric == 13 {
			panics++
			panic(fmt.Sprint("unlucky ", panics))
		}
	}})
	n.inputs = []Input{
		n.Input(InputOptions{Name: "plain"}),
		n.Input(InputOptions{Name: "own", TTL: 3 * time.Second, Tags: []string{"own"}}),
		n.Input(InputOptions{Name: "gated", TTL: 4 * time.Second, Through: gate{e, &n.seen}}),
	}
	return n
}

// finish moves the clock to t and adds what the index holds then.
func (n *logNode) finish(t Time) []string {
	for !n.advanceTo(t) {
	}
	n.engine.index.Scan(0, n.engine.index.Len(), func(e *Event) {
		n.seen = append(n.seen, fmt.Sprint("index ", show(e), e.TTL, e.Arrival, e.ID.Labels.Tags))
	})
	return n.seen
}

// logStep is a batch to an input, after some time.
type logStep struct {
	wait   time.Duration
	down   bool // for so long the engine did not run
	pause  int  // for so many thirds of it the program stood still
	input  int
	events []Event
}

func drawLogStep(t *rapid.T) logStep {
	s := logStep{wait: time.Duration(rapid.IntRange(0, 5000).Draw(t, "wait")) * time.Millisecond, input: rapid.IntRange(0, 2).Draw(t, "input")}
	s.down = rapid.IntRange(0, 4).Draw(t, "down") == 0
	s.pause = max(rapid.IntRange(-5, 3).Draw(t, "pause"), 0)
	ids := NewIdentities(100)
	for range rapid.IntRange(1, 4).Draw(t, "events") {
		p := serviceParts(fmt.Sprint("s", rapid.IntRange(0, 3).Draw(t, "service")))
		if rapid.Bool().Draw(t, "labels") {
			p.Tags = []string{"t"}
			p.SetAttr("k", "v")
		}
		e := Event{ID: ids.Loose(p)}
		if rapid.Bool().Draw(t, "metric") {
			e.SetMetric(rapid.SampledFrom([]float64{0, 1, 13}).Draw(t, "number"))
		}
		if rapid.Bool().Draw(t, "state") {
			e.SetState(rapid.SampledFrom([]string{"ok", Expired}).Draw(t, "which"))
		}
		if rapid.Bool().Draw(t, "ttl") {
			e.SetTTL(time.Duration(rapid.IntRange(-1, 10).Draw(t, "seconds")) * time.Second)
		}
		if rapid.Bool().Draw(t, "time") { // late, or too far ahead
			e.SetTime(TimeOf(float64(rapid.IntRange(990, 1100).Draw(t, "at"))))
		}
		s.events = append(s.events, e)
	}
	return s
}

// steady is a clock that a test moves.
type steady struct{ at Time }

func (c *steady) Read() Reading { return Reading{Now: c.at} }
func (c *steady) Beat()         {}

// TestReplayedLogDoesTheSame: what was logged after it was served has the same
// effect when it is served again, whatever serving it has changed of the events.
func TestReplayedLogDoesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawLogStep), 1, 20).Draw(t, "steps")
		clock := &steady{at: 1_000_000_000_000}
		log := &memoryLog{}
		first := newLogNode(clock)
		first.SetLog(log)
		marks := 0
		for _, s := range steps {
			clock.at = clock.at.Add(s.wait)
			if s.down {
				first.Resume(clock.at)
			} else if s.pause > 0 {
				marks++
				first.skip(clock.at, s.wait*time.Duration(s.pause)/3)
			}
			for !first.advance() {
			}
			in := first.inputs[s.input]
			b := in.Batch()
			for _, e := range s.events {
				id, err := in.Identities().Intern(e.ID.Parts())
				if err != nil {
					t.Fatal(err)
				}
				e.ID = id
				*b.Add(id) = e
			}
			first.serve(b)
		}
		end := clock.at.Add(time.Minute)
		want := first.finish(end)

		second := newLogNode(clock)
		log.replay(t, second.Runner)
		got := second.finish(end)
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("line %d: got %q, want %q", i, got[min(i, len(got)-1)], want[i])
			}
		}
		if len(got) != len(want) || second.engine.Position() != uint64(len(steps)+marks) {
			t.Fatalf("got %d lines, want %d; position %d", len(got), len(want), second.engine.Position())
		}
	})
}

func TestBatchesAreSettledByTheLog(t *testing.T) {
	testRunner(t, func(r *runnerTest) {
		log := &memoryLog{}
		r.SetLog(log)
		in := r.Input(InputOptions{Name: "a"})
		var done []error
		send := func(services ...string) {
			b := r.batch(in, services...)
			b.Done = func(err error) { done = append(done, err) }
			r.send(in, b)
		}
		send("x", "y")
		send()
		send("z")
		r.start()
		r.want("x", "y", "z")
		if len(done) > 0 {
			t.Error("a batch is done before it is kept")
		}
		var positions []uint64
		for _, b := range log.batches {
			positions = append(positions, b.Position)
		}
		if !slices.Equal(positions, []uint64{1, 1, 2}) {
			t.Errorf("positions %v", positions)
		}
		full := errors.New("disk full")
		log.settle(full)
		if !slices.Equal(done, []error{full, full, full}) {
			t.Errorf("done with %v", done)
		}
		synctest.Wait()
	})
}

// TestReplayOfAnUnknownSource: its events are not lost.
func TestReplayOfAnUnknownSource(t *testing.T) {
	n := newLogNode(&steady{})
	e := Event{ID: n.engine.ids.Loose(serviceParts("s"))}
	n.Replay(t.Context(), Logged{Served: Served{Position: 7, Now: 1_000_000_000_001}, Source: "gone", Events: []Event{e}})
	if n.engine.index.Len() != 1 || n.engine.Position() != 7 || n.engine.Now() != 1_000_000_000_001 {
		t.Errorf("%d entries at %d, position %d", n.engine.index.Len(), n.engine.Now(), n.engine.Position())
	}
}
