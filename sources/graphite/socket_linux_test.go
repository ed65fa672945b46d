package graphite

import "testing"

func TestSocketKnowsTheQueue(t *testing.T) {
	s := newTestSource(t, Options{UDP: loopback, Connections: 1})
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	conn, socket, buf := dial(t, s.udp.LocalAddr()), newSocket(s.udp), make([]byte, maxDatagram)
	if socket.pending() {
		t.Error("a datagram waits before one was sent")
	}
	if err := s.udp.SetReadBuffer(1 << 15); err != nil {
		t.Fatal(err)
	}
	const sent = 1000
	for range sent {
		send(t, conn, "a 1 1")
	}
	read, lost := 0, 0
	for socket.pending() {
		_, _, more, err := socket.read(buf)
		if err != nil {
			t.Fatal(err)
		}
		read++
		lost += more
	}
	send(t, conn, "b 1 1") // brings the count of what was lost after the last
	_, _, more, err := socket.read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if lost += more; read == 0 || lost == 0 || read+lost != sent {
		t.Errorf("read %d and lost %d, want %d together", read, lost, sent)
	}
	if allocs := testing.AllocsPerRun(100, func() {
		send(t, conn, "a 1 1")
		socket.read(buf)
		socket.pending()
	}); allocs > 1 { // one is the sender's
		t.Errorf("a datagram allocates %v times", allocs)
	}
}
