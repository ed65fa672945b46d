package graphite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/plugins/carbon"
)

// loopback is an address with a port that the system chooses.
const loopback = "127.0.0.1:0"

func dial(t *testing.T, address net.Addr) net.Conn {
	t.Helper()
	conn, err := net.Dial(address.Network(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func send(t *testing.T, conn net.Conn, data string) {
	t.Helper()
	if _, err := io.WriteString(conn, data); err != nil {
		t.Fatal(err)
	}
}

// ended waits until the far end has closed the connection.
func ended(t *testing.T, conn net.Conn) {
	t.Helper()
	var timeout net.Error
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("read %d bytes and got error %v, want an end", n, err)
	}
}

// list writes events as "host/service metric@seconds", "-" for no time.
func list(events []engine.Event) string {
	var out []string
	for _, e := range events {
		at := "-"
		if e.Has&engine.HasTime != 0 {
			at = fmt.Sprint(e.Time.Seconds())
		}
		out = append(out, fmt.Sprintf("%s/%s %v@%s", e.ID.Host, e.ID.Service, e.Metric, at))
	}
	return strings.Join(out, ", ")
}

func expect(t *testing.T, r *running, n int, want string) {
	t.Helper()
	if got := list(r.wait(n)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// counted waits for nothing: stop the source first.
func counted(t *testing.T, r *running, bad, oversized, nan, rejected, frames uint64) {
	t.Helper()
	c := r.counters
	got := fmt.Sprint(c.bad.Get(), c.oversized.Get(), c.nan.Get(), c.rejected.Get(), c.frames.Get())
	if want := fmt.Sprint(bad, oversized, nan, rejected, frames); got != want {
		t.Errorf("counted bad, oversized, nan, rejected, frames as %s, want %s", got, want)
	}
}

func TestTCP(t *testing.T) {
	r := start(t, Options{Listen: loopback, Templates: []string{"servers.* .host.service*"}}, newRecorder())
	conn := dial(t, r.lines.Addr())
	send(t, conn, "servers.db1.cpu.idle 1 1700000000\r\nb;host=x -2.5 -1\n")
	expect(t, r, 2, "db1/cpu.idle 1@1.7e+09, x/b -2.5@-")
	send(t, conn, "half")
	send(t, conn, " 3 17000")
	send(t, conn, "00000\nc 4\nd 5 17")
	r.wait(4)
	conn.Close()
	dial(t, r.lines.Addr()).Close()
	r.stop()
	expect(t, r, 4, "db1/cpu.idle 1@1.7e+09, x/b -2.5@-, /half 3@1.7e+09, /c 4@-")
}

// TestTCPGarbage has good lines around each kind of bad one.
func TestTCPGarbage(t *testing.T) {
	r := start(t, Options{Listen: loopback}, newRecorder())
	conn := dial(t, r.lines.Addr())
	send(t, conn, "\x00\x01\xfe\n\n\r\na 1 1\nGET / HTTP/1.1\r\nb nan 1\nb NaN 1\nb 2 2\nc\x07 1 1\n;x=y 1 1\n")
	send(t, conn, strings.Repeat("x", carbon.MaxLine)+" 1 1\nd 3 3\n")
	for range 50 {
		send(t, conn, strings.Repeat("y", 10_000))
	}
	send(t, conn, " 1 1\ne 4 4\n")
	expect(t, r, 4, "/a 1@1, /b 2@2, /d 3@3, /e 4@4")
	send(t, conn, "f 5 17")
	conn.(*net.TCPConn).CloseWrite()
	ended(t, conn)
	r.stop()
	counted(t, r, 5, 2, 2, 0, 0)
	if n := strings.Count(r.log.String(), "\n"); n == 0 || n > 11 {
		t.Errorf("got %d lines of log, want a few:\n%s", n, r.log)
	}
	if !strings.Contains(r.log.String(), `input="\"\\x00\\x01\\xfe\""`) || !strings.Contains(r.log.String(), "from=127.0.0.1:") {
		t.Errorf("the log does not quote the line and name the sender: %s", r.log)
	}
}

func TestTCPManyLines(t *testing.T) {
	r := start(t, Options{Listen: loopback}, newRecorder())
	conn := dial(t, r.lines.Addr())
	var data strings.Builder
	const n = 50_000 // several buffers, batches and chunks
	for i := range n {
		fmt.Fprintf(&data, "name%d %d %d\n", i%700, i, i)
	}
	send(t, conn, data.String())
	for i, e := range r.wait(n) {
		if want := fmt.Sprintf("name%d", i%700); e.ID.Service != want || e.Metric != float64(i) || e.Time != engine.Time(i)*1e9 {
			t.Fatalf("event %d is %v of %s", i, e, e.ID.Service)
		}
	}
}

func TestTooManyIdentities(t *testing.T) {
	in := newRecorder()
	in.ids = engine.NewIdentities(0)
	r := start(t, Options{Listen: loopback}, in)
	known, err := engine.NewIdentities(1).Intern(engine.Parts{Service: "known", Has: engine.HasService})
	if err != nil {
		t.Fatal(err)
	}
	r.names.Add("known", known)
	send(t, dial(t, r.lines.Addr()), "known 1 1\nnew 2 2\nnew 3 3\nknown 4 4\n")
	expect(t, r, 2, "/known 1@1, /known 4@4")
	r.stop()
	counted(t, r, 0, 0, 0, 2, 0)
	if r.names.Len() != 1 {
		t.Errorf("%d names are kept, want 1", r.names.Len())
	}
	if !strings.Contains(r.log.String(), "too many identities (settings.identities)") {
		t.Errorf("the log does not say why: %s", r.log)
	}
}

func TestStopWhileSendWaits(t *testing.T) {
	in := newRecorder()
	in.block = make(chan struct{})
	r := start(t, Options{Listen: loopback, Pickle: loopback}, in)
	send(t, dial(t, r.lines.Addr()), "a 1 1\n")
	send(t, dial(t, r.pickles.Addr()), frame("]C\x01aK\x07K\x01\x86\x86a."))
	<-in.blocked
	<-in.blocked
	idle := dial(t, r.lines.Addr())
	r.stop()
	ended(t, idle)
}

func TestSendHoldsTheSenderBack(t *testing.T) {
	in := newRecorder()
	in.block = make(chan struct{})
	r := start(t, Options{Listen: loopback}, in)
	send(t, dial(t, r.lines.Addr()), "a 1 1\nb 2 2\n")
	<-in.blocked
	close(in.block)
	expect(t, r, 2, "/a 1@1, /b 2@2")
}

func TestConnectionsAreBounded(t *testing.T) {
	r := start(t, Options{Listen: loopback, Connections: 1}, newRecorder())
	first := dial(t, r.lines.Addr())
	send(t, first, "a 1 1\n")
	r.wait(1)
	ended(t, dial(t, r.lines.Addr()))
	send(t, first, "b 2 2\n")
	expect(t, r, 2, "/a 1@1, /b 2@2")
	if got := r.counters.refused.Get(); got != 1 {
		t.Errorf("counted %d refused connections, want 1", got)
	}
	first.(*net.TCPConn).CloseWrite()
	ended(t, first)
	r.stop()
	if got := r.counters.connections.Get(); got != 0 {
		t.Errorf("%v connections are open after the end", got)
	}
}

func TestUDP(t *testing.T) {
	r := start(t, Options{UDP: loopback}, newRecorder())
	conn := dial(t, r.udp.LocalAddr())
	send(t, conn, "a 1 1\nb 2 2") // the last line needs no end
	send(t, conn, "nonsense")
	send(t, conn, "")
	send(t, conn, strings.Repeat("x", carbon.MaxLine+1)) // and costs the next one nothing
	send(t, conn, "c 3 3\r\n")
	expect(t, r, 3, "/a 1@1, /b 2@2, /c 3@3")
	r.stop()
	counted(t, r, 1, 1, 0, 0, 0)
}

// frame puts the length in front of a pickle.
func frame(pickle string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(pickle)))) + pickle
}

func TestPickle(t *testing.T) {
	r := start(t, Options{Pickle: loopback}, newRecorder())
	conn := dial(t, r.pickles.Addr())
	send(t, conn, frame(string(readTestdata(t, "points.2.pickle"))))
	r.wait(10)
	send(t, conn, frame("")+frame("N.")+frame("cos\nsystem\n(S'true'\ntR.")+frame("]C\x01aK\x07K\x01\x86\x86a."))
	if got := list(r.wait(11)[10:]); got != "/a 1@7" {
		t.Errorf("after bad frames: got %s", got)
	}
	send(t, conn, "GET / HTTP/1.1\r\n\r\n") // reads as a length of 1.2 GB
	ended(t, conn)
	r.stop()
	counted(t, r, 2, 1, 1, 0, 2)
}

func TestPickleEndsWithinAFrame(t *testing.T) {
	r := start(t, Options{Pickle: loopback}, newRecorder())
	conn := dial(t, r.pickles.Addr())
	send(t, conn, frame("]C\x01aK\x07K\x01\x86\x86a.")+frame("]C\x01b")[:6])
	conn.(*net.TCPConn).CloseWrite()
	ended(t, conn)
	expect(t, r, 1, "/a 1@7")
	r.stop()
	if !strings.Contains(r.log.String(), "unexpected EOF") {
		t.Errorf("the log says nothing of the lost frame: %s", r.log)
	}
}
