//go:build !linux

package datagram

import (
	"net"
	"net/netip"
)

// Socket reads datagrams. It must be used on one goroutine.
type Socket struct{ conn *net.UDPConn }

// NewSocket sets up conn, which stays the caller's to close.
func NewSocket(conn *net.UDPConn) *Socket {
	_ = conn.SetReadBuffer(queueSize)
	return &Socket{conn}
}

// Read waits for a datagram. lost is how many the kernel has dropped before it,
// since the last one that was read; 0 where the system does not tell.
func (s *Socket) Read(buf []byte) (n int, from netip.AddrPort, lost int, err error) {
	n, from, err = s.conn.ReadFromUDPAddrPort(buf)
	return n, from, 0, err
}

// Pending reports whether another datagram, not an empty one, can be read
// without waiting; always false where the system does not tell.
func (s *Socket) Pending() bool { return false }
