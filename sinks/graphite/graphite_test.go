package graphite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
)

// event makes an event at a whole second.
func event(tb testing.TB, host, service string, metric float64, time engine.Time) engine.Event {
	tb.Helper()
	e, err := engine.NewJSONDecoder(engine.NewIdentities(1), engine.NewNames()).Decode(
		fmt.Appendf(nil, `{"host":%q,"service":%q,"metric":%v,"time":%d}`, host, service, metric, time/1e9))
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func env() plugins.Env {
	return plugins.Env{Name: "graphite", Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}
}

func newSink(tb testing.TB, address string) *Sink {
	tb.Helper()
	s, err := New(env(), Options{Address: address, Prefix: "p"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func listen(tb testing.TB, address string) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

func accept(tb testing.TB, l net.Listener) net.Conn {
	tb.Helper()
	conn, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

// expect reads as many bytes as want has.
func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Errorf("got %q and error %v, want %q", got, err, want)
	}
}

func forward(t *testing.T, s *Sink, events ...engine.Event) {
	t.Helper()
	if err := s.Forward(t.Context(), events); err != nil {
		t.Error(err)
	}
}

func TestForward(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := newSink(t, l.Addr().String())
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	gap := event(t, "h", "gap", 0, 7e9)
	gap.Clear(engine.HasMetric)
	forward(t, s, gap) // needs no connection
	forward(t, s, event(t, "h", "a", 1, 7e9), gap, event(t, "h", "b", 2, 8e9))
	conn := accept(t, l)
	forward(t, s, event(t, "h", "c", 3, 9e9))
	expect(t, conn, "p.h.a 1 7\np.h.b 2 8\np.h.c 3 9\n")
	if skipped, dialled := s.skipped.Get(), s.dialled.Get(); skipped != 2 || dialled != 1 {
		t.Errorf("skipped %d and connected %d times, want 2 and 1", skipped, dialled)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
		t.Errorf("after Close: got %q and error %v, want an end", rest, err)
	}
}

func TestReconnect(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := newSink(t, l.Addr().String())
	forward(t, s, event(t, "h", "a", 1, 7e9))
	conn := accept(t, l)
	expect(t, conn, "p.h.a 1 7\n")
	conn.Close()
	<-s.link.over
	forward(t, s, event(t, "h", "b", 2, 8e9))
	expect(t, accept(t, l), "p.h.b 2 8\n")
}

func TestCarbonIsAway(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	address := l.Addr().String()
	l.Close()
	s := newSink(t, address)
	events := []engine.Event{event(t, "h", "a", 1, 7e9), event(t, "", "", 1, 7e9)}
	err := s.Forward(t.Context(), events)
	if err == nil || !strings.Contains(err.Error(), "cannot connect to carbon at \""+address) || engine.IsPermanent(err) {
		t.Errorf("got error %v, want one to try again after", err)
	}
	if got := s.skipped.Get(); got != 0 {
		t.Errorf("counted %d events of a batch that will come again", got)
	}
	l = listen(t, address)
	forward(t, s, events...)
	expect(t, accept(t, l), "p.h.a 1 7\n")
	if got := s.skipped.Get(); got != 1 {
		t.Errorf("counted %d events, want 1", got)
	}
}

// TestCarbonDoesNotRead fills the sockets' buffers, until a write waits, and
// then ends the context.
func TestCarbonDoesNotRead(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := newSink(t, l.Addr().String())
	first, events := event(t, "h", "a", 1, 7e9), make([]engine.Event, 100_000)
	for i := range events {
		events[i] = first
	}
	ctx, cancel := context.WithCancel(t.Context())
	forward(t, s, first)
	conn := bufio.NewReader(accept(t, l))
	failed := make(chan error)
	go func() {
		for {
			if err := s.Forward(ctx, events); err != nil {
				failed <- err
				return
			}
		}
	}()
	expect(t, conn, "p.h.a 1 7\np.h.a 1 7\n") // the second is of the loop
	cancel()
	if err := <-failed; !strings.Contains(err.Error(), "cannot write to carbon at") && !strings.Contains(err.Error(), "cannot connect") {
		t.Errorf("got error %v", err)
	}
	if s.link != nil {
		t.Error("the connection is kept after half a line")
	}
}

func TestNew_Failure(t *testing.T) {
	f := func(fields map[string]any, want string) {
		t.Helper()
		_, err := plugins.NewSink("graphite", env(), &plugins.Table{Pos: "shop.lua:2", Fields: fields})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shop.lua:2: sink.graphite: ") {
			t.Errorf("%v: got error %v, want %q", fields, err, want)
		}
	}
	f(nil, `option "address" is missing`)
	f(map[string]any{"address": "carbon"}, `"carbon" is not an address; write it as "host:port"`)
	f(map[string]any{"address": "carbon:0"}, `the port is a number from 1 to 65535`)
	f(map[string]any{"address": "carbon:2003", "prefix": "a b"}, `"a b" cannot stand in a name of graphite; "a_b" can`)
	f(map[string]any{"adress": "carbon:2003"}, `did you mean "address"?`)
}

func TestForwardAllocatesNothingPerEvent(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := newSink(t, l.Addr().String())
	events := make([]engine.Event, engine.BatchSize)
	for i := range events {
		events[i] = event(t, "h", "a", float64(i), 7e9)
	}
	forward(t, s, events...)
	conn := accept(t, l)
	go io.Copy(io.Discard, conn)
	if allocs := testing.AllocsPerRun(100, func() { forward(t, s, events...) }); allocs > 8 {
		t.Errorf("a batch of %d events allocates %v times", len(events), allocs)
	}
}

func BenchmarkForward(b *testing.B) {
	l := listen(b, "127.0.0.1:0")
	s := newSink(b, l.Addr().String())
	events := make([]engine.Event, engine.BatchSize)
	for i := range events {
		events[i] = event(b, "db1.example.net", "cpu/percent-user", float64(i), 1700000000e9)
	}
	if err := s.Forward(b.Context(), events); err != nil {
		b.Fatal(err)
	}
	conn := accept(b, l)
	go io.Copy(io.Discard, conn)
	b.SetBytes(int64(len(s.buf)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Forward(b.Context(), events); err != nil {
			b.Fatal(err)
		}
	}
}
