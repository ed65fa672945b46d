//go:build real

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bench/programs"
)

// realRules watch one load that the test chooses, as it comes from collectd's
// network plugin and from its write_graphite.
const realRules = `
settings { http = "" }
source.collectd { listen = "127.0.0.1:%s", tags = { "network" } }
source.graphite { listen = "127.0.0.1:%s", templates = { "host.service*" }, tags = { "lines" } }
local states = sink.file { path = "states.json" }

events:where 'service = "chosen/gauge-load" or service = "chosen.gauge-load"'
      :by("host", "service")
      :ewma(1)
      :classify { critical = "metric > 100", warning = "metric > 50" }
      :changed("state", { init = "ok" })
      :to(states)

rule "worst load" {
  every = 0.1,
  eval = function()
    local worst = index 'service = "chosen/gauge-load"':max() or 0
    return { state = worst > 100 and "critical" or "ok", metric = worst }
  end,
}

events:where 'service = "worst load"':changed "state":to(states)
`

// realTocsin is the built program, with realRules.
type realTocsin struct {
	t              *testing.T
	dir            string
	network, lines string // ports
	process        *programs.Program
	collectd       *programs.Collectd
	first, next    float64 // times of loads, in seconds since 1970
}

func newRealTocsin(t *testing.T) *realTocsin {
	t.Helper()
	r := &realTocsin{t: t, dir: t.TempDir(), network: programs.Port(t), lines: programs.Port(t)}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(r.dir, "tocsin"), ".").CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "tocsin.lua"), fmt.Appendf(nil, realRules, r.network, r.lines), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts tocsin, and waits until it listens.
func (r *realTocsin) start() {
	r.t.Helper()
	r.process = programs.Start(r.t, filepath.Join(r.dir, "tocsin"), "run", filepath.Join(r.dir, "tocsin.lua"))
	r.process.AwaitOutput("listening on udp 127.0.0.1:" + r.network)
	r.process.AwaitOutput("listening on tcp 127.0.0.1:" + r.lines)
}

// startCollectd starts a collectd that sends to both sources.
func (r *realTocsin) startCollectd() {
	r.t.Helper()
	r.collectd = programs.StartCollectd(r.t, fmt.Sprintf(`
LoadPlugin network
<Plugin network>
  Server "127.0.0.1" "%s"
</Plugin>
LoadPlugin write_graphite
<Plugin write_graphite>
  <Node "tocsin">
    Host "127.0.0.1"
    Port "%s"
  </Node>
</Plugin>`, r.network, r.lines))
	r.first = float64(time.Now().Unix() - 10)
	r.next = r.first
}

// put hands collectd loads that are one second apart.
func (r *realTocsin) put(loads ...float64) {
	r.t.Helper()
	for _, load := range loads {
		r.collectd.Put("real.example.net/chosen/gauge-load", r.next, fmt.Sprint(load))
		r.next++
	}
	r.collectd.Flush()
}

// states returns what the sink's file has of a service, as "state metric
// host tags +seconds" in order.
func (r *realTocsin) states(service string) []string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "states.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	out := []string{}
	for line := range strings.Lines(string(text)) {
		var e struct {
			Host, Service, State string
			Metric, Time         float64
			Tags                 []string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.t.Fatalf("%s: %v", line, err)
		}
		if e.Service != service {
			continue
		}
		state := fmt.Sprint(e.State, " ", e.Metric)
		if e.Host != "" {
			state += fmt.Sprint(" ", e.Host, " ", e.Tags, " +", e.Time-r.first)
		}
		out = append(out, state)
	}
	return out
}

// expect waits for the states of a service.
func (r *realTocsin) expect(service string, want ...string) {
	r.t.Helper()
	var got []string
	defer func() { // also when they do not come
		if !slices.Equal(got, want) {
			r.t.Errorf("%s: got %q, want %q", service, got, want)
		}
	}()
	programs.Until(r.t, "states of "+service, func() bool {
		got = r.states(service)
		return len(got) >= len(want)
	})
}

// TestRealWholePath runs the program as an operator does: a real collectd in
// front of it, and a file behind it.
func TestRealWholePath(t *testing.T) {
	t.Parallel()
	r := newRealTocsin(t)
	r.start()
	r.expect("worst load", "ok 0")
	r.startCollectd()
	r.put(40, 400)
	r.expect("worst load", "ok 0", "critical 400")
	r.put(0, 0, 0)
	r.expect("worst load", "ok 0", "critical 400", "ok 0")
	// Of a load of a second ago, half is left.
	for service, from := range map[string]string{
		"chosen/gauge-load": "real.example.net [network]",
		"chosen.gauge-load": "real_example_net [lines]",
	} {
		r.expect(service, "critical 210 "+from+" +1", "warning 52.5 "+from+" +3", "ok 26.25 "+from+" +4")
	}
	for _, bad := range []string{"WARN", "ERROR"} {
		if strings.Contains(r.process.Output(), bad) {
			t.Errorf("the log has a line of level %s", bad)
		}
	}

	// The ports can be opened again at once, while collectd goes on.
	r.process.Kill()
	r.start()
	r.expectBothSources(1)
	r.process.Stop(5 * time.Second)
	if conn, err := net.Dial("tcp", "127.0.0.1:"+r.lines); err == nil {
		conn.Close()
		t.Error("the port is open after the end")
	}
	r.start()
	r.expectBothSources(2)
	r.collectd.Stop()
	r.process.Stop(5 * time.Second)
}

// expectBothSources waits until a load that is too high has come through each
// of the sources, n times since collectd was started. collectd loses some values
// before it notices that its connection has ended.
func (r *realTocsin) expectBothSources(n int) {
	r.t.Helper()
	critical := func(service string) (n int) {
		for _, state := range r.states(service) {
			if strings.HasPrefix(state, "critical 500 ") {
				n++
			}
		}
		return n
	}
	programs.Until(r.t, "both sources have a high load", func() bool {
		r.put(1000)
		return critical("chosen/gauge-load") == n && critical("chosen.gauge-load") == n
	})
}
