package graphite

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"tocsin/engine"
)

// acceptPause is how long to wait after a connection could not be accepted,
// which is when the process has no file descriptor left.
const acceptPause = 100 * time.Millisecond

var errTooManyConnections = errors.New("too many connections (option connections)")

// server accepts connections for a source and ends them with it.
type server struct {
	*decoder
	limit int

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

func newServer(limit int, s *decoder) *server {
	return &server{decoder: s, limit: limit, open: make(map[net.Conn]struct{})}
}

// read reads one connection to its end, for a server.
type read func(conn io.Reader, f *feed) error

// accept serves the connections of one listener until it is closed, and waits
// for them.
func (s *server) accept(ctx context.Context, listener net.Listener, in engine.Input, read read) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := listener.Accept()
		if err == nil {
			if s.add(conn) {
				wg.Go(func() { s.serve(ctx, conn, in, read) })
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.log.warn("cannot accept a connection", netip.AddrPort{}, nil, err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(acceptPause):
		}
	}
}

func (s *server) serve(ctx context.Context, conn net.Conn, in engine.Input, read read) {
	defer s.remove(conn)
	f := s.newFeed(in, func(b *engine.Batch) error { return in.Send(ctx, b) })
	f.sender = addrPort(conn)
	err := read(conn, f)
	if err != nil && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
		s.log.warn("connection ended", f.sender, nil, err)
	}
}

// add keeps a connection, or closes it when there are too many.
func (s *server) add(conn net.Conn) bool {
	s.mu.Lock()
	full, closed := len(s.open) >= s.limit, s.closed
	if !full && !closed {
		s.open[conn] = struct{}{}
	}
	s.mu.Unlock()
	switch {
	case closed:
		conn.Close()
		return false
	case full:
		s.counters.refused.Inc()
		s.log.warn("connection refused", addrPort(conn), nil, errTooManyConnections)
		conn.Close()
		return false
	}
	s.counters.accepted.Inc()
	s.counters.connections.Inc()
	return true
}

func (s *server) remove(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	delete(s.open, conn)
	s.mu.Unlock()
	s.counters.connections.Dec()
}

// closeConnections ends all connections, also one that is just being accepted.
func (s *server) closeConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.open {
		conn.Close()
	}
}

func addrPort(conn net.Conn) netip.AddrPort {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
