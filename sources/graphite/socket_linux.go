package graphite

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// socket reads datagrams and knows two things of the kernel's queue: whether
// another one waits, and how many did not fit.
type socket struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	control []byte
	lost    uint32 // as the kernel counts, from the making of the socket

	waiting int
	ask     func(fd uintptr) // sets waiting; made once, so that asking allocates nothing
}

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{conn: conn, control: make([]byte, unix.CmsgSpace(4))}
	// Either setting may be refused. Then the queue is short, or losses are
	// not counted; the source works all the same.
	_ = conn.SetReadBuffer(udpBuffer)
	s.ask = func(fd uintptr) { s.waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }
	var err error
	if s.raw, err = conn.SyscallConn(); err == nil {
		_ = s.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
		})
	}
	return s
}

// read waits for a datagram. lost is how many the kernel has dropped before it,
// since the last one that was read.
func (s *socket) read(buf []byte) (n int, from netip.AddrPort, lost int, err error) {
	n, control, _, from, err := s.conn.ReadMsgUDPAddrPort(buf, s.control)
	if control < unix.CmsgLen(4) {
		return n, from, 0, err // the kernel has dropped none
	}
	// No other control message was asked for, so this is SO_RXQ_OVFL's.
	total := binary.NativeEndian.Uint32(s.control[unix.CmsgLen(0):])
	lost = int(total - s.lost)
	s.lost = total
	return n, from, lost, err
}

// pending reports whether another datagram, not an empty one, can be read
// without waiting.
func (s *socket) pending() bool {
	if s.raw == nil || s.raw.Control(s.ask) != nil {
		return false
	}
	return s.waiting > 0
}
