package collectd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/datagram"
	"tocsin/plugins/valuelist"
)

const (
	// logInterval is the least time between two log lines on one problem.
	logInterval = 10 * time.Second
	// retryInterval is how long to wait after the system failed to read.
	retryInterval = 100 * time.Millisecond
)

var (
	_ engine.Source    = (*Source)(nil)
	_ engine.Addresser = (*Source)(nil)
)

// Source receives from collectd. Make it with New.
type Source struct {
	logger    *slog.Logger
	metrics   meters
	options   Options
	security  Security
	group     netip.Addr // the multicast group; not valid: none
	passwords map[string]plugins.Secret
	authFile  *authFile // nil: none
	dir       string    // where relative paths start

	conn  *net.UDPConn
	types *valuelist.Types
	users Users

	// On Run's goroutine only.
	sender netip.AddrPort // of the datagram in hand
	quiet  [problems]quiet
}

// quiet keeps a problem from filling the log.
type quiet struct {
	until   time.Time
	skipped int
}

// Open reads types_db and users, and binds the address.
func (s *Source) Open(ctx context.Context) error {
	var err error
	if s.types, err = valuelist.ReadTypes(s.dir, s.options.TypesDB); err != nil {
		return err
	}
	if err := s.readUsers(); err != nil {
		return err
	}
	s.conn, err = s.listen(ctx)
	return err
}

func (s *Source) readUsers() (err error) {
	if s.authFile != nil {
		s.users, err = s.authFile.read()
		return err
	}
	if s.passwords == nil {
		return nil
	}
	passwords := make(map[string]string, len(s.passwords))
	for name, password := range s.passwords {
		if password.Reveal() == "" {
			return fmt.Errorf("user %q has no password", name)
		}
		passwords[name] = password.Reveal()
	}
	s.users = NewUsers(passwords)
	return nil
}

// listen binds the port. For a multicast group that is the port on all
// addresses, as datagrams for the group do not carry one of this host's.
func (s *Source) listen(ctx context.Context) (*net.UDPConn, error) {
	if !s.group.IsValid() {
		var config net.ListenConfig
		conn, err := config.ListenPacket(ctx, "udp", s.options.Listen)
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf(`cannot listen on udp %q: %w; "ss -lunp" shows who does`, s.options.Listen, err)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot listen on udp %q: %w", s.options.Listen, err)
		}
		return conn.(*net.UDPConn), nil
	}
	at, err := net.ResolveUDPAddr("udp", s.options.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on udp %q: %w", s.options.Listen, err)
	}
	var through *net.Interface // nil: the system's choice
	if s.options.Interface != "" {
		if through, err = net.InterfaceByName(s.options.Interface); err != nil {
			return nil, fmt.Errorf("cannot join %s through interface %q: %w", s.group, s.options.Interface, err)
		}
	}
	conn, err := net.ListenMulticastUDP("udp", through, &net.UDPAddr{IP: s.group.AsSlice(), Port: at.Port})
	if err != nil {
		return nil, fmt.Errorf("cannot join group %s on udp port %d: %w", s.group, at.Port, err)
	}
	return conn, nil
}

// Addresses returns the address that is listened on.
func (s *Source) Addresses() []string {
	if s.conn == nil {
		return nil
	}
	return []string{"udp " + s.conn.LocalAddr().String()}
}

// Close closes the port when Run is never called.
func (s *Source) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// Run reads datagrams until ctx is done.
func (s *Source) Run(ctx context.Context, in engine.Input) error {
	var closer sync.WaitGroup
	defer closer.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	closer.Go(func() {
		<-ctx.Done()
		s.conn.Close() // ends the read that is waiting
	})

	decoder := NewDecoder(DecoderOptions{
		Identities: in.Identities(), Types: s.types, Users: s.users, Security: s.security,
		Raw: !s.options.Rates, TTLFactor: s.options.TTLFactor, Problem: s.problem,
	})
	offer := func(b *engine.Batch) *engine.Batch {
		in.Offer(b)
		return in.Batch()
	}
	socket := datagram.NewSocket(s.conn)
	batch := in.Batch()
	buf := make([]byte, datagram.MaxSize)
	for {
		n, sender, lost, err := socket.Read(buf)
		s.metrics.lost.Add(lost)
		if err != nil {
			if len(batch.Events) > 0 {
				batch = offer(batch)
			}
			if !s.retry(ctx, err) {
				return nil
			}
			continue
		}
		s.sender = sender
		s.metrics.datagrams.Inc()
		s.metrics.bytes.Add(n)
		s.refreshUsers(decoder)
		batch = decoder.Decode(buf[:n], batch, offer)
		if len(batch.Events) > 0 && !socket.Pending() {
			batch = offer(batch)
		}
	}
}

// retry waits after an error of the system, and reports whether to read on.
func (s *Source) retry(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	s.metrics.readErrors.Inc()
	s.logger.Error("cannot read a datagram", "error", err)
	wait := time.NewTimer(retryInterval)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

// refreshUsers reads the users again when their file changed. A file that
// cannot be read, or is wrong, leaves those that were.
func (s *Source) refreshUsers(d *Decoder) {
	if s.authFile == nil || !s.authFile.changed() {
		return
	}
	users, err := s.authFile.read()
	if errors.Is(err, os.ErrNotExist) {
		return // being replaced
	}
	if err != nil {
		s.logger.Error("cannot read users again; the old ones stay", "error", err)
		return
	}
	s.logger.Info("read users again", "file", s.authFile.path, "users", len(users))
	d.SetUsers(users)
}

// problem counts a problem, and logs it now and then. A sender, a user's name
// and a type are shown, as what anyone on the network can see; passwords are not.
func (s *Source) problem(p Problem, detail []byte) {
	s.metrics.problems[p].Inc()
	if p.ordinary() {
		return
	}
	q := &s.quiet[p]
	now := time.Now()
	if now.Before(q.until) {
		q.skipped++
		return
	}
	args := []any{"problem", p.String(), "sender", s.sender}
	if len(detail) > 0 {
		args = append(args, "about", valid(detail[:min(len(detail), maxName)]))
	}
	if q.skipped > 0 {
		args = append(args, "not_logged", q.skipped)
	}
	s.logger.Warn("bad input from collectd", args...)
	*q = quiet{until: now.Add(logInterval)}
}
