package graphite

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	"tocsin/engine"
)

// manyLines returns one line for each of n names, in random order.
func manyLines(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var buf bytes.Buffer
	for _, i := range r.Perm(n) {
		fmt.Fprintf(&buf, "shop.app.app%d.service%d %.2f %d\n", i/50, i%50, r.Float64()*100, 1700000000+i%60)
	}
	return buf.Bytes()
}

// discard is an Input that takes everything and keeps nothing. It belongs to
// one connection, since it has one batch.
type discard struct {
	ids    *engine.Identities
	batch  engine.Batch
	events int
	want   int // closes done when there are as many events
	done   chan struct{}
}

func (d *discard) Identities() *engine.Identities { return d.ids }

func (d *discard) Batch() *engine.Batch {
	d.batch.Events = d.batch.Events[:0]
	return &d.batch
}

func (d *discard) Send(_ context.Context, b *engine.Batch) error {
	before := d.events
	d.events += len(b.Events)
	if before < d.want && d.events >= d.want {
		close(d.done)
	}
	return nil
}

func (d *discard) Place(string) *engine.Place                    { return nil }
func (d *discard) Notice(string, string, string, ...engine.Attr) {}
func (d *discard) Offer(b *engine.Batch) bool                    { return d.Send(context.Background(), b) == nil }

func newDiscard() *discard {
	return &discard{ids: engine.NewIdentities(2_000_000), done: make(chan struct{})}
}

var benchTemplates = []string{"shop.* .role.host.service*"}

// BenchmarkDecode is from bytes in memory to batches of events whose names are
// known, in chunks of the size that a busy connection reads.
func BenchmarkDecode(b *testing.B) {
	for _, names := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("names=%d", names), func(b *testing.B) {
			data, in := manyLines(names), newDiscard()
			s := newTestSource(b, Options{Listen: "127.0.0.1:0", Connections: 1, Templates: benchTemplates})
			f := s.newFeed(in, offer(in))
			feedAll(f, data)
			in.events = 0
			b.SetBytes(int64(len(data) / names))
			b.ReportAllocs()
			b.ResetTimer()
			left := data
			for n := 0; n < b.N; {
				chunk := left[:min(len(left), maxBuffer)]
				before := in.events
				used, err := f.lines(chunk)
				if err != nil {
					b.Fatal(err)
				}
				f.flush()
				n += in.events - before
				if left = left[used:]; len(left) == 0 {
					left = data
				}
			}
			if in.events < b.N {
				b.Fatalf("got %d events, want %d", in.events, b.N)
			}
		})
	}
}

// BenchmarkNewNames is the cost of a name's first event.
func BenchmarkNewNames(b *testing.B) {
	data, in := manyLines(100_000), newDiscard()
	b.ReportAllocs()
	for n := 0; n < b.N; n += 100_000 {
		in.ids = engine.NewIdentities(1_000_000)
		s := newTestSource(b, Options{Listen: "127.0.0.1:0", Connections: 1, Templates: benchTemplates})
		feedAll(s.newFeed(in, offer(in)), data)
	}
}

func feedAll(f *feed, data []byte) {
	f.lines(data)
	f.flush()
}

// BenchmarkTCP is from a socket to batches, with the sender in the same process.
func BenchmarkTCP(b *testing.B) {
	const names = 100_000
	data, in := manyLines(names), newDiscard()
	s := newTestSource(b, Options{Listen: "127.0.0.1:0", Connections: 1, Templates: benchTemplates})
	feedAll(s.newFeed(in, offer(in)), data)
	in.events, in.want = 0, b.N
	if err := s.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, in) }()
	conn, err := net.Dial("tcp", s.lines.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data) / names))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for sent := 0; sent < b.N; sent += names {
			if _, err := conn.Write(data); err != nil {
				return
			}
		}
	}()
	<-in.done
	b.StopTimer()
	conn.Close()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPickle(b *testing.B) {
	frame := readTestdata(b, "carbon-relay.pickle")[4:]
	in := newDiscard()
	s := newTestSource(b, Options{Pickle: "127.0.0.1:0", Connections: 1})
	f := s.newFeed(in, offer(in))
	var u unpickler
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		before := in.events
		if err := f.frame(&u, frame); err != nil {
			b.Fatal(err)
		}
		f.flush()
		if got := in.events - before; got != 246 {
			b.Fatalf("got %d events, want 246", got)
		}
	}
}
