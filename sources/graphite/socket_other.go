//go:build !linux

package graphite

import (
	"net"
	"net/netip"
)

// socket reads datagrams. Only on Linux does it know more of the kernel's
// queue.
type socket struct{ conn *net.UDPConn }

func newSocket(conn *net.UDPConn) *socket {
	_ = conn.SetReadBuffer(udpBuffer)
	return &socket{conn}
}

func (s *socket) read(buf []byte) (n int, from netip.AddrPort, lost int, err error) {
	n, from, err = s.conn.ReadFromUDPAddrPort(buf)
	return n, from, 0, err
}

func (s *socket) pending() bool { return false }
