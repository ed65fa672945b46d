package journal

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tocsin/engine"
)

// benchBatch is a batch of 512 events of series that are known, as a graphite
// source makes them.
func benchBatch(b *testing.B, in engine.Input, n int) *engine.Batch {
	batch := in.Batch()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range engine.BatchSize {
		series := n*engine.BatchSize + i
		p := engine.Parts{Attrs: []engine.Attr{{Key: "dc", Value: "east"}}}
		p.SetHost(fmt.Sprintf("web%03d", series/100))
		p.SetService(fmt.Sprintf("app.requests.%d.rate", series%100))
		id, err := in.Identities().Intern(p)
		if err != nil {
			b.Fatal(err)
		}
		e := batch.Add(id)
		e.SetTime(engine.Time(1_700_000_000+i%10) * second)
		e.SetMetric(math.Round(random.Float64()*1e6) / 1e3)
	}
	return batch
}

func benchInput() engine.Input {
	return engine.NewRunner(engine.New(engine.Options{}, 0), nil).Input(engine.InputOptions{Name: "graphite"})
}

// BenchmarkAppend appends batches, one after the other, as fast as the disk takes
// them.
func BenchmarkAppend(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	in := benchInput()
	const batches = 40 // known series: 20,480
	var events [batches][]engine.Event
	for i := range events {
		events[i] = benchBatch(b, in, i).Events
	}
	position, now := uint64(0), 1_700_000_000*second
	b.ReportAllocs()
	for b.Loop() {
		position++
		now += engine.Time(1e6)
		batch := in.Batch()
		batch.Events = append(batch.Events, events[position%batches]...)
		j.Append(batch, at(position, now))
	}
	if err := j.Close(); err != nil { // all of it is durable
		b.Fatal(err)
	}
	report(b, position)
	b.ReportMetric(float64(j.size())/float64(position*engine.BatchSize), "disk-B/event")
}

func report(b *testing.B, batches uint64) {
	b.ReportMetric(float64(batches*engine.BatchSize)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

// BenchmarkEncode is the part of Append that takes the processor: of few series,
// which the cache holds, and of many in an order unlike that of their making.
func BenchmarkEncode(b *testing.B) {
	for _, batches := range []int{1, 200} {
		b.Run(fmt.Sprintf("series=%d", batches*engine.BatchSize), func(b *testing.B) {
			var all []engine.Event
			for i := range batches {
				all = append(all, benchBatch(b, benchInput(), i).Events...)
			}
			rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
			var block block
			var out []byte
			b.ReportAllocs()
			n := uint64(0)
			for b.Loop() {
				next := int(n) % batches * engine.BatchSize
				n++
				block.add("graphite", at(n, 1_700_000_000*second), all[next:next+engine.BatchSize])
				if len(block.payload) >= blockBytes {
					out = block.appendTo(out[:0])
				}
			}
			report(b, n)
		})
	}
}

// BenchmarkReplay reads a journal and serves it to an engine.
func BenchmarkReplay(b *testing.B) {
	dir := b.TempDir()
	j, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	const batches = 2000
	in := benchInput()
	for i := range uint64(batches) {
		j.Append(benchBatch(b, in, int(i%40)), engine.Served{Position: i + 1, Now: 1_700_000_000*second + engine.Time(i)*1e6})
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for name, serve := range map[string]bool{"read": false, "serve": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e := engine.New(engine.Options{}, 1)
				runner := engine.NewRunner(e, nil)
				o := ReadOptions{Identities: e.Identities(), Bad: func(err error) { b.Error(err) }}
				if err := Read(dir, o, func(l *engine.Logged) error {
					if serve {
						runner.Replay(b.Context(), *l)
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			report(b, uint64(b.N)*batches)
		})
	}
}

// BenchmarkServe is what a journal costs an engine that indexes all it gets.
func BenchmarkServe(b *testing.B) {
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("journal=%t", kept), func(b *testing.B) {
			e := engine.New(engine.Options{}, 0)
			runner := engine.NewRunner(e, engine.NewWallClock(time.Now))
			in := runner.Input(engine.InputOptions{Name: "graphite"})
			var events [40][]engine.Event
			for i := range events {
				events[i] = benchBatch(b, in, i).Events
			}
			if kept {
				j, err := Open(b.TempDir(), Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer j.Close()
				runner.SetLog(j)
			}
			done := make(chan struct{})
			go func() { defer close(done); runner.Run(b.Context()) }()
			b.ReportAllocs()
			n := uint64(0)
			for b.Loop() {
				batch := in.Batch()
				batch.Events = append(batch.Events, events[n%uint64(len(events))]...)
				if err := in.Send(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				n++
			}
			runner.Stop()
			<-done
			report(b, n)
		})
	}
}

// BenchmarkAcknowledge is how long a sender waits that sends one event at a time.
func BenchmarkAcknowledge(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	in := benchInput()
	event := benchBatch(b, in, 0).Events[0]
	done := make(chan error)
	position := uint64(0)
	for b.Loop() {
		position++
		batch := in.Batch()
		batch.Events = append(batch.Events, event)
		batch.Done = func(err error) { done <- err }
		j.Append(batch, at(position, 1_700_000_000*second))
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(j.size())/float64(position), "disk-B/event")
}
