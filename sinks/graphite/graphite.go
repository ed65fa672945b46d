// Package graphite sends events as plaintext lines to a carbon over TCP.
//
// plugins/carbon makes the lines; this file keeps the connection.
package graphite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
)

const (
	dialTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
)

// Options are what a rules file can set.
type Options struct {
	// Address is carbon's plaintext port, as "host:port". It has no default:
	// the usual port is also that of source.graphite, and events would go in
	// circles.
	Address string `opt:"address,required"`
	// Prefix goes in front of every name, with a dot between.
	Prefix string `opt:"prefix"`
}

func init() {
	plugins.RegisterSink("graphite", Options{}, func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Sink is sink.graphite.
type Sink struct {
	address string
	prefix  string
	skipped *metrics.Counter
	dialled *metrics.Counter

	link *link // nil when there is none
	buf  []byte
}

var _ engine.Forwarder = (*Sink)(nil)

// New checks the options and makes a sink. It connects to nothing.
func New(env plugins.Env, o Options) (*Sink, error) {
	_, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, fmt.Errorf(`option "address": %q is not an address; write it as "host:port"`, o.Address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf(`option "address": %q is not an address; the port is a number from 1 to 65535`, o.Address)
	}
	prefix := strings.Trim(o.Prefix, ".")
	if safe := carbon.SafePath(prefix); safe != prefix {
		return nil, fmt.Errorf(`option "prefix": %q cannot stand in a name of graphite; %q can`, o.Prefix, safe)
	}
	counter := func(what string) *metrics.Counter {
		return env.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_sink_%s_total{sink=%q}", what, env.Name))
	}
	return &Sink{address: o.Address, prefix: prefix, skipped: counter("skipped"), dialled: counter("connections")}, nil
}

// Open does nothing: carbon may be away for a while, so that the first events
// make the connection.
func (s *Sink) Open(context.Context) error { return nil }

// Close closes the connection.
func (s *Sink) Close() error {
	s.hangUp()
	return nil
}

// Forward writes a line for each event that has a name and a finite metric.
// After an error the whole batch should come again: carbon keeps one value for
// each name and time, so that what it has got already does no harm.
func (s *Sink) Forward(ctx context.Context, events []engine.Event) error {
	skipped := s.encode(events)
	if len(s.buf) > 0 {
		if err := s.write(ctx); err != nil {
			return err
		}
	}
	s.skipped.Add(skipped)
	return nil
}

// encode fills buf with lines, and returns how many events have none.
func (s *Sink) encode(events []engine.Event) (skipped int) {
	s.buf = s.buf[:0]
	for i := range events {
		before := len(s.buf)
		s.buf = carbon.AppendLine(s.buf, s.prefix, &events[i])
		if len(s.buf) == before {
			skipped++
		}
	}
	return skipped
}

// write sends buf, over a new connection if need be.
func (s *Sink) write(ctx context.Context) error {
	if s.link != nil && s.link.ended() {
		s.hangUp()
	}
	if s.link == nil {
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", s.address)
		if err != nil {
			return fmt.Errorf("cannot connect to carbon at %q: %w", s.address, err)
		}
		s.link = newLink(conn)
		s.dialled.Inc()
	}
	conn := s.link.conn
	release := context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only as Write will
	_, err := conn.Write(s.buf)
	if !release() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		s.hangUp()
		return fmt.Errorf("cannot write to carbon at %q: %w", s.address, err)
	}
	return nil
}

func (s *Sink) hangUp() {
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
}

// link is one connection. Carbon never answers, so the first write after its end
// would seem to succeed, and its lines would be lost. A goroutine that reads
// notices the end before that.
type link struct {
	conn    net.Conn
	over    chan struct{}
	reading sync.WaitGroup
}

func newLink(conn net.Conn) *link {
	l := &link{conn: conn, over: make(chan struct{})}
	l.reading.Go(func() {
		defer close(l.over)
		_, _ = io.Copy(io.Discard, conn) // ends when either side closes
	})
	return l
}

// ended reports whether the far end has closed the connection.
func (l *link) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

func (l *link) close() {
	l.conn.Close()
	l.reading.Wait()
}
