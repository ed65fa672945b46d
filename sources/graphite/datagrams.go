package graphite

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"tocsin/plugins/datagram"
)

// readDatagrams reads plaintext lines over UDP until conn is closed. A datagram
// holds whole lines; the last one needs no line end.
func readDatagrams(ctx context.Context, conn *net.UDPConn, f *feed) {
	socket := datagram.NewSocket(conn)
	buf := make([]byte, datagram.MaxSize)
	for {
		n, from, lost, err := socket.Read(buf)
		f.counters.lost.Add(lost)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				f.flush()
				return
			}
			f.log.warn("cannot read a datagram", netip.AddrPort{}, nil, err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		f.counters.bytes.Add(n)
		f.sender = from
		f.datagram(buf[:n])
		if !socket.Pending() {
			f.flush()
		}
	}
}

// datagram takes the lines of one datagram. Offering them never fails.
func (f *feed) datagram(data []byte) {
	used, _ := f.lines(data)
	if used < len(data) {
		f.line(data[used:])
		f.resolve()
	}
}
