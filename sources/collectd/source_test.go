package collectd

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
	"tocsin/plugins"
)

// recorder is an engine.Input that hands on what it is offered.
type recorder struct {
	ids    *engine.Identities
	events chan engine.Event
}

func newRecorder() *recorder {
	return &recorder{engine.NewIdentities(1 << 20), make(chan engine.Event, 1<<16)}
}

func (r *recorder) Identities() *engine.Identities { return r.ids }
func (r *recorder) Batch() *engine.Batch           { return &engine.Batch{} }

func (r *recorder) Send(_ context.Context, b *engine.Batch) error {
	r.Offer(b)
	return nil
}

func (r *recorder) Place(string) *engine.Place { return nil }

func (r *recorder) Notice(string, string, string, ...engine.Attr) {}

func (r *recorder) Offer(b *engine.Batch) bool {
	for _, e := range b.Events {
		select {
		case r.events <- e:
		default:
			return false
		}
	}
	return true
}

// next waits for an event.
func (r *recorder) next(t *testing.T) engine.Event {
	t.Helper()
	select {
	case e := <-r.events:
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
		panic("unreachable")
	}
}

type running struct {
	*recorder
	source  *Source
	metrics *vm.Set
	log     *syncBuffer
	conn    net.Conn
}

// syncBuffer is a log that a test reads while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// start runs a source on a free port until the test ends.
func start(t *testing.T, dir string, change func(*Options)) *running {
	t.Helper()
	r := &running{recorder: newRecorder(), metrics: vm.NewSet(), log: &syncBuffer{}}
	o := Defaults()
	o.Listen = "127.0.0.1:0"
	change(&o)
	env := plugins.Env{Name: "net", Logger: slog.New(slog.NewTextHandler(r.log, nil)), Metrics: r.metrics, Dir: dir}
	var err error
	if r.source, err = New(env, o); err != nil {
		t.Fatal(err)
	}
	if err := r.source.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.source.Run(ctx, r) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	address := strings.TrimPrefix(r.source.Addresses()[0], "udp ")
	if r.conn, err = net.Dial("udp", address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.conn.Close() })
	return r
}

func (r *running) send(t *testing.T, p []byte) {
	t.Helper()
	if _, err := r.conn.Write(p); err != nil {
		t.Fatal(err)
	}
}

// counter reads a counter of the source.
func (r *running) counter(name, more string) uint64 {
	return r.metrics.GetOrCreateCounter(`tocsin_source_` + name + `_total{source="net"` + more + `}`).Get()
}

func TestReceivesOverUDP(t *testing.T) {
	r := start(t, "", func(o *Options) { o.TTLFactor = 3 })
	p := packet(nil).from("h", "load", "load", "", 1700000000).values(1.0, 2.0, 3.0)
	r.send(t, p)
	for i, service := range []string{"load/load/shortterm", "load/load/midterm", "load/load/longterm"} {
		e := r.next(t)
		if e.ID.Host != "h" || e.ID.Service != service || e.Metric != float64(i+1) || e.Time != 1700000000e9 || e.TTL != 30*time.Second {
			t.Errorf("got %s %s %v at %d, ttl %v", e.ID.Host, e.ID.Service, e.Metric, e.Time, e.TTL)
		}
	}
	if got := r.counter("datagrams", ""); got != 1 {
		t.Errorf("%d datagrams were counted", got)
	}
	if got := r.counter("bytes", ""); got != uint64(len(p)) {
		t.Errorf("%d bytes were counted, want %d", got, len(p))
	}
}

func TestLargestDatagram(t *testing.T) {
	r := start(t, "", func(*Options) {})
	values := make([]any, 7200)
	for i := range values {
		values[i] = float64(i)
	}
	r.send(t, packet(nil).from("h", "p", "many", "", 1).values(values...))
	for i := range values {
		if e := r.next(t); e.Metric != float64(i) {
			t.Fatalf("got %v, want %d", e.Metric, i)
		}
	}
}

func TestBadDatagramsAreCountedAndLoggedOnce(t *testing.T) {
	r := start(t, "", func(o *Options) {
		o.Security = "sign"
		o.Users = &plugins.Table{Fields: map[string]any{"alice": plugins.NewSecret("KEY", password), "bob": "hunter2"}}
	})
	good := packet(nil).from("h", "p", "gauge", "", 1).values(1.0)
	for range 5 {
		r.send(t, good)
		r.send(t, sign("alice", "wrong", good))
		r.send(t, sign("mallory", "wrong", good))
	}
	r.send(t, sign("alice", password, good))
	r.send(t, sign("bob", "hunter2", good))
	r.next(t)
	r.next(t)
	for _, reason := range []string{"insecure", "bad_signature", "unknown_user"} {
		if got := r.counter("bad_datagrams", `,reason="`+reason+`"`); got != 5 {
			t.Errorf("%s was counted %d times", reason, got)
		}
		if got := strings.Count(r.log.String(), "problem="+reason); got != 1 {
			t.Errorf("%s was logged %d times", reason, got)
		}
	}
	if log := r.log.String(); !strings.Contains(log, "about=mallory") || !strings.Contains(log, "sender=127.0.0.1:") {
		t.Errorf("the log does not say who: %s", log)
	}
	if log := r.log.String(); strings.Contains(log, password) || strings.Contains(log, "hunter2") {
		t.Errorf("the log shows a password: %s", log)
	}
}

func TestUsersAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "auth"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("alice: one\n")
	r := start(t, dir, func(o *Options) { o.Users, o.Security = "auth", "encrypt" })
	p := packet(nil).from("h", "p", "gauge", "", 1)
	r.send(t, encrypt("alice", "one", p.values(1.0)))
	if e := r.next(t); e.Metric != 1 {
		t.Errorf("got %v", e.Metric)
	}
	write("alice: one\nbob: second\n")
	r.sendUntil(t, encrypt("bob", "second", p.values(2.0)))

	write("broken\n")
	r.send(t, encrypt("bob", "second", p.values(3.0)))
	if e := r.next(t); e.Metric != 3 {
		t.Errorf("a broken file took the old users away: %v", e.Metric)
	}
}

// sendUntil sends p again and again, as it is refused at first.
func (r *running) sendUntil(t *testing.T, p []byte) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		r.send(t, p)
		select {
		case <-r.events:
			return
		case <-tick.C:
		}
	}
	t.Fatal("it was never taken")
}

func TestMulticast(t *testing.T) {
	r := start(t, "", func(o *Options) { o.Multicast, o.Interface = "239.192.74.66", loopback(t) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.source.Addresses()[0], "udp "))
	if err != nil {
		t.Fatal(err)
	}
	group, err := net.ResolveUDPAddr("udp", net.JoinHostPort("239.192.74.66", port))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, group)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(packet(nil).from("h", "p", "gauge", "", 1).values(4.0)); err != nil {
		t.Fatal(err)
	}
	if e := r.next(t); e.Metric != 4 {
		t.Errorf("got %v", e.Metric)
	}
}

func loopback(t *testing.T) string {
	t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("there is no loopback interface")
	return ""
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"bad.db": "ok value:GAUGE:0:U\nlonely\n", "auth": "nonsense\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Listen = taken.LocalAddr().String() }, `cannot listen on udp "` + taken.LocalAddr().String() + `": `},
		{func(o *Options) { o.Listen = "127.0.0.1:nonsense" }, `cannot listen on udp "127.0.0.1:nonsense": `},
		{func(o *Options) { o.TypesDB = []string{"bad.db"} }, dir + `/bad.db:2: type "lonely" has no data source`},
		{func(o *Options) { o.TypesDB = []string{"missing.db"} }, `cannot read types: open ` + dir + `/missing.db: no such file`},
		{func(o *Options) { o.Users = "auth" }, dir + `/auth:1: expected "user: password"`},
		{func(o *Options) { o.Users = "missing" }, `cannot read users: open ` + dir + `/missing: no such file`},
		{func(o *Options) {
			o.Users = &plugins.Table{Fields: map[string]any{"alice": plugins.NewSecret("KEY", "")}}
		}, `user "alice" has no password`},
		{func(o *Options) { o.Multicast, o.Interface = "239.192.74.66", "nosuch0" }, `cannot join 239.192.74.66 through interface "nosuch0": `},
	} {
		o := Defaults()
		o.Listen = "127.0.0.1:0"
		c.change(&o)
		s, err := New(plugins.Env{Name: "net", Logger: slog.New(slog.DiscardHandler), Metrics: vm.NewSet(), Dir: dir}, o)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Open(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s…", err, c.want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
