package graphite

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/plugins"

	"tocsin/plugins/carbon"
)

func TestNew_Failure(t *testing.T) {
	f := func(fields map[string]any, want string) {
		t.Helper()
		table := &plugins.Table{Pos: "shop.lua:2", Fields: fields}
		_, err := plugins.NewSource("graphite", testEnv(slog.DiscardHandler), table)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shop.lua:2: source.graphite: ") {
			t.Errorf("%v: got error %v, want %q", fields, err, want)
		}
	}
	f(map[string]any{"listen": ""}, "all off")
	f(map[string]any{"listen": "2003"}, `option "listen": "2003" is not an address`)
	f(map[string]any{"udp": "localhost:graphite"}, `option "udp": "localhost:graphite" is not an address; the port`)
	f(map[string]any{"pickle": "localhost:70000"}, `option "pickle"`)
	f(map[string]any{"connections": 0.0}, "connections is 0")
	f(map[string]any{"templates": &plugins.Table{List: []any{"host*.service"}}}, `cannot parse template "host*.service"`)
	f(map[string]any{"template": "x"}, `did you mean "templates"?`)
}

func TestOpen(t *testing.T) {
	s := newTestSource(t, Options{Listen: loopback, UDP: loopback, Pickle: loopback, Connections: 1})
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := []string{
		fmt.Sprint("tcp ", s.lines.Addr()), fmt.Sprint("udp ", s.udp.LocalAddr()), fmt.Sprint("tcp ", s.pickles.Addr(), " (pickle)"),
	}
	if got := s.Addresses(); !slices.Equal(got, want) || strings.Contains(fmt.Sprint(got), ":0") {
		t.Errorf("got addresses %q, want %q", got, want)
	}

	// What is taken already, each in the place of the last to be opened.
	taken, takenUDP := s.lines.Addr().String(), s.udp.LocalAddr().String()
	f := func(o Options, want string) {
		t.Helper()
		o.Connections = 1
		other := newTestSource(t, o)
		err := other.Open(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
		if other.lines != nil {
			if _, err := other.lines.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a port was left open: %v", err)
			}
		}
	}
	f(Options{Listen: taken}, fmt.Sprintf(`cannot listen on tcp %q: address already in use; another program has it`, taken))
	f(Options{Listen: loopback, Pickle: taken}, fmt.Sprintf(`cannot listen on tcp %q: address already in use;`, taken))
	f(Options{Listen: loopback, UDP: takenUDP}, fmt.Sprintf(`cannot listen on udp %q: address already in use;`, takenUDP))
	f(Options{Listen: "192.0.2.1:2003"}, `cannot listen on tcp "192.0.2.1:2003": cannot assign requested address; no interface`)
}

func TestSampledLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := &sampledLog{logger: slog.New(slog.NewTextHandler(&out, nil))}
		from := netip.MustParseAddrPort("192.0.2.1:9")
		for range 1000 {
			log.warn("bad input", from, []byte(strings.Repeat("\n", 1000)), carbon.ErrBadValue)
		}
		<-time.After(logInterval)
		log.warn("bad input", netip.AddrPort{}, nil, carbon.ErrBadValue)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("got %d lines, want 2", len(lines))
		}
		if !strings.Contains(lines[0], "from=192.0.2.1:9") || strings.Count(lines[0], `\\n`) != maxLogged {
			t.Errorf("the first line does not name the sender and cut the input: %s", lines[0])
		}
		if !strings.Contains(lines[1], "not_logged=999") {
			t.Errorf("the second line does not say how many are missing: %s", lines[1])
		}
	})
}

func TestKnownNamesAllocateNothing(t *testing.T) {
	data, in := manyLines(1000), newDiscard()
	s := newTestSource(t, Options{Listen: loopback, Connections: 1, Templates: benchTemplates})
	f := s.newFeed(in, offer(in))
	feedAll(f, data)
	if allocs := testing.AllocsPerRun(10, func() { feedAll(f, data) }); allocs != 0 {
		t.Errorf("1000 events of known names allocate %v times", allocs)
	}
	if want := 12 * 1000; in.events != want {
		t.Errorf("got %d events, want %d", in.events, want)
	}
}
