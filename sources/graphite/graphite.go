// Package graphite takes in what senders for graphite's carbon send: plaintext
// lines over TCP and UDP, and pickles over TCP.
//
// It is made in layers. plugins/carbon parses lines and says what a name means,
// pickle.go parses pickles; both know bytes only. feed.go makes events of what
// was parsed, lines.go, frames.go and datagrams.go read sockets for it, and
// server.go accepts and ends connections. reader.go reads recorded lines.
package graphite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
)

// Options are what a rules file can set.
type Options struct {
	// Listen, UDP and Pickle are the addresses of plaintext over TCP,
	// plaintext over UDP and pickle over TCP, as "host:port"; "" is off.
	Listen string `opt:"listen"`
	UDP    string `opt:"udp"`
	Pickle string `opt:"pickle"`
	// Templates say what the dotted parts of a name mean; see carbon.NewNaming.
	Templates []string `opt:"templates"`
	// Connections bounds the TCP connections that are open at one time.
	Connections int `opt:"connections"`
}

// Defaults are the options of a source that a rules file says nothing about.
func Defaults() Options {
	return Options{Listen: "127.0.0.1:2003", Connections: 1024}
}

func init() {
	plugins.RegisterSource("graphite", Defaults(), func(env plugins.Env, o Options) (engine.Source, error) {
		return New(env, o)
	})
}

// decoder is what all the connections of one source make events with.
type decoder struct {
	naming   *carbon.Naming
	names    *engine.Names
	counters *counters
	log      *sampledLog
}

// Source is source.graphite.
type Source struct {
	decoder
	options Options

	lines   net.Listener // nil when off, as the others
	pickles net.Listener
	udp     *net.UDPConn
}

var (
	_ engine.Source    = (*Source)(nil)
	_ engine.Addresser = (*Source)(nil)
)

// New checks the options and makes a source. It opens nothing.
func New(env plugins.Env, o Options) (*Source, error) {
	naming, err := carbon.NewNaming(o.Templates)
	if err != nil {
		return nil, err
	}
	if o.Listen == "" && o.UDP == "" && o.Pickle == "" {
		return nil, errors.New("listen, udp and pickle are all off; set one of them to an address")
	}
	if o.Connections < 1 {
		return nil, fmt.Errorf("connections is %d, expected at least 1", o.Connections)
	}
	for _, a := range []struct{ option, address string }{{"listen", o.Listen}, {"udp", o.UDP}, {"pickle", o.Pickle}} {
		if err := checkAddress(a.address); err != nil {
			return nil, fmt.Errorf("option %q: %w", a.option, err)
		}
	}
	return &Source{
		options: o,
		decoder: decoder{
			naming:   naming,
			names:    engine.NewNames(),
			counters: newCounters(env.Metrics, env.Name),
			log:      &sampledLog{logger: env.Logger},
		},
	}, nil
}

func checkAddress(address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf(`%q is not an address; write it as "host:port"`, address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not an address; the port is a number up to 65535", address)
	}
	return nil
}

// Open opens all the ports, or none.
func (s *Source) Open(ctx context.Context) error {
	err := s.open(ctx)
	if err != nil {
		s.Close()
	}
	return err
}

func (s *Source) open(ctx context.Context) (err error) {
	var lc net.ListenConfig
	if address := s.options.Listen; address != "" {
		if s.lines, err = lc.Listen(ctx, "tcp", address); err != nil {
			return listenError("tcp", address, err)
		}
	}
	if address := s.options.Pickle; address != "" {
		if s.pickles, err = lc.Listen(ctx, "tcp", address); err != nil {
			return listenError("tcp", address, err)
		}
	}
	if address := s.options.UDP; address != "" {
		conn, err := lc.ListenPacket(ctx, "udp", address)
		if err != nil {
			return listenError("udp", address, err)
		}
		s.udp = conn.(*net.UDPConn)
	}
	return nil
}

// listenError says why a port cannot be opened, and what to do about it.
func listenError(network, address string, err error) error {
	if inner := (*os.SyscallError)(nil); errors.As(err, &inner) {
		err = inner.Err // the rest repeats the address
	}
	advice := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = `; another program has it: "ss -lntup" shows which`
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		advice = "; no interface of this machine has that address"
	case errors.Is(err, syscall.EACCES):
		advice = "; ports below 1024 need the capability CAP_NET_BIND_SERVICE"
	}
	return fmt.Errorf("cannot listen on %s %q: %w%s", network, address, err, advice)
}

// Addresses lists what the source listens on.
func (s *Source) Addresses() []string {
	var out []string
	if s.lines != nil {
		out = append(out, "tcp "+s.lines.Addr().String())
	}
	if s.udp != nil {
		out = append(out, "udp "+s.udp.LocalAddr().String())
	}
	if s.pickles != nil {
		out = append(out, "tcp "+s.pickles.Addr().String()+" (pickle)")
	}
	return out
}

// Run reads until ctx is done.
func (s *Source) Run(ctx context.Context, in engine.Input) error {
	server := newServer(s.options.Connections, &s.decoder)
	var wg sync.WaitGroup
	if s.lines != nil {
		wg.Go(func() { server.accept(ctx, s.lines, in, readLines) })
	}
	if s.pickles != nil {
		wg.Go(func() { server.accept(ctx, s.pickles, in, readFrames) })
	}
	if s.udp != nil {
		wg.Go(func() { readDatagrams(ctx, s.udp, s.newFeed(in, offer(in))) })
	}
	<-ctx.Done()
	s.Close()
	server.closeConnections()
	wg.Wait()
	return nil
}

// Decode reads plaintext lines from r until it ends, as Run does from each of
// its connections, and hands their events to in. It may run beside Run.
func (s *Source) Decode(ctx context.Context, r io.Reader, in engine.Input) error {
	return readLines(r, s.newFeed(in, func(b *engine.Batch) error { return in.Send(ctx, b) }))
}

// newFeed returns a feed whose batches go to send.
func (s *decoder) newFeed(in engine.Input, send func(*engine.Batch) error) *feed {
	return &feed{decoder: s, in: in, send: send}
}

// offer is for a sender that cannot be held back. What the engine has no room
// for is dropped, and counted by the engine.
func offer(in engine.Input) func(*engine.Batch) error {
	return func(b *engine.Batch) error {
		in.Offer(b)
		return nil
	}
}

// Close closes the ports.
func (s *Source) Close() error {
	var errs []error
	if s.lines != nil {
		errs = append(errs, s.lines.Close())
	}
	if s.pickles != nil {
		errs = append(errs, s.pickles.Close())
	}
	if s.udp != nil {
		errs = append(errs, s.udp.Close())
	}
	return errors.Join(errs...)
}
