package datagram

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// Socket reads datagrams. It must be used on one goroutine.
type Socket struct {
	conn    *net.UDPConn
	raw     syscall.RawConn
	control []byte
	lost    uint32 // as the kernel counts, from the making of the socket

	waiting int
	ask     func(fd uintptr) // sets waiting; made once, so that asking allocates nothing
}

// NewSocket sets up conn, which stays the caller's to close.
func NewSocket(conn *net.UDPConn) *Socket {
	s := &Socket{conn: conn, control: make([]byte, unix.CmsgSpace(4))}
	// Either setting may be refused. Then the queue is short, or losses are
	// not counted; the source works all the same.
	_ = conn.SetReadBuffer(queueSize)
	s.ask = func(fd uintptr) { s.waiting, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }
	var err error
	if s.raw, err = conn.SyscallConn(); err == nil {
		_ = s.raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
		})
	}
	return s
}

// Read waits for a datagram. lost is how many the kernel has dropped before it,
// since the last one that was read; 0 where the system does not tell.
func (s *Socket) Read(buf []byte) (n int, from netip.AddrPort, lost int, err error) {
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

// Pending reports whether another datagram, not an empty one, can be read
// without waiting; always false where the system does not tell.
func (s *Socket) Pending() bool {
	if s.raw == nil || s.raw.Control(s.ask) != nil {
		return false
	}
	return s.waiting > 0
}
