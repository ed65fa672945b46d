package datagram

import (
	"net"
	"testing"
)

func TestSocketKnowsTheQueue(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sender, err := net.Dial("udp", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	data := []byte("x")
	send := func() {
		if _, err := sender.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	s, buf := NewSocket(conn), make([]byte, MaxSize)
	if s.Pending() {
		t.Error("a datagram waits before one was sent")
	}
	if err := conn.SetReadBuffer(1 << 15); err != nil {
		t.Fatal(err)
	}
	const sent = 1000
	for range sent {
		send()
	}
	read, lost := 0, 0
	for s.Pending() {
		_, _, more, err := s.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		read++
		lost += more
	}
	send() // brings the count of what was lost after the last
	_, from, more, err := s.Read(buf)
	if err != nil || from.String() != sender.LocalAddr().String() {
		t.Fatalf("from %v, %v", from, err)
	}
	if lost += more; read == 0 || lost == 0 || read+lost != sent {
		t.Errorf("read %d and lost %d, want %d together", read, lost, sent)
	}
	if allocs := testing.AllocsPerRun(100, func() {
		send()
		s.Read(buf)
		s.Pending()
	}); allocs > 0 {
		t.Errorf("a datagram allocates %v times", allocs)
	}
}
