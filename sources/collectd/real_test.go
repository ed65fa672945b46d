//go:build real

package collectd

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
)

const program = "/usr/sbin/collectd"

// realConfig is a collectd that sends to us, and writes the same values to
// files by its csv plugin.
const realConfig = `
Hostname "real.example.net"
FQDNLookup false
BaseDir "%[1]s"
PIDFile "%[1]s/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 0.5
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File "%[1]s/log"
</Plugin>
LoadPlugin cpu
LoadPlugin load
LoadPlugin memory
LoadPlugin interface
LoadPlugin unixsock
LoadPlugin csv
LoadPlugin network
<Plugin unixsock>
  SocketFile "%[1]s/sock"
</Plugin>
<Plugin csv>
  DataDir "%[1]s/csv"
  StoreRates false
</Plugin>
<Plugin network>
  <Server "127.0.0.1" "%[2]s">
    %[3]s
  </Server>
</Plugin>
`

// putValues are values that no sensor gives.
var putValues = map[string]string{
	"real.example.net/inject/counter-big":     "18446744073709551000",
	"real.example.net/inject/counter-small":   "4294967295",
	"real.example.net/inject/derive-negative": "-9223372036854775807",
	"real.example.net/inject/absolute-some":   "7",
	"real.example.net/inject/gauge-tenth":     "0.1",
	"real.example.net/inject/gauge-huge":      "-1e300",
	"other.example.net/inject-µ/df-sda 1":     "1:2",
	"other.example.net/inject/load":           "0.5:1.5:2.5",
	"other.example.net/inject-nan/if_octets":  "1:2",
}

func TestRealCollectd(t *testing.T) {
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the real collectd is needed (apt-get install collectd-core libgcrypt20; make test-real does it): %v", err)
	}
	for _, mode := range []string{"none", "sign", "encrypt"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			testRealCollectd(t, mode)
		})
	}
}

func testRealCollectd(t *testing.T, mode string) {
	dir := t.TempDir()
	r := start(t, dir, func(o *Options) {
		o.Security, o.Rates = mode, false
		o.Users = &plugins.Table{Fields: map[string]any{"alice": plugins.NewSecret("KEY", password)}}
	})
	security := ""
	if mode != "none" {
		security = fmt.Sprintf("SecurityLevel %s\n Username \"alice\"\n Password %q", mode, password)
	}
	_, port, _ := strings.Cut(r.conn.RemoteAddr().String(), ":")
	stop := startCollectd(t, dir, fmt.Sprintf(realConfig, dir, port, security))

	put(t, dir)
	got := make(map[string]float64)
	notes := make(map[string]engine.Event)
	deadline := time.After(15 * time.Second)
	for cpu := 0; cpu < 4 || len(notes) < 3; { // some rounds of its own plugins
		select {
		case e := <-r.events:
			if collect(got, notes, e); e.ID.Service == "cpu-0/cpu-user" {
				cpu++
			}
		case <-deadline:
			t.Fatalf("%d values, %d notifications only came; collectd says:\n%s", len(got), len(notes), read(filepath.Join(dir, "log")))
		}
	}
	stop() // sends and writes what it still holds

	want := csvValues(t, filepath.Join(dir, "csv"))
	for missing := true; missing; {
		missing = slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(key string) bool { _, ok := got[key]; return !ok })
		if missing {
			select {
			case e := <-r.events:
				collect(got, notes, e)
			case <-deadline:
				missing = false
			}
		}
	}
	compare(t, got, want)
	checkNotes(t, notes)
	for i := range problems {
		if n := r.counter(problemMetric(Problem(i))); n != 0 {
			t.Errorf("problem %s: %d times", Problem(i), n)
		}
	}
}

// startCollectd starts the program; what it returns stops it in good order.
func startCollectd(t *testing.T, dir, config string) (stop func()) {
	t.Helper()
	path := filepath.Join(dir, "collectd.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, "-f", "-C", path)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if ended <- nil; err != nil {
				t.Errorf("collectd: %v; it says:\n%s", err, read(filepath.Join(dir, "log")))
			}
		case <-time.After(10 * time.Second):
			t.Fatal("collectd does not stop")
		}
	}
}

// put injects chosen values and notifications through collectd's own socket.
func put(t *testing.T, dir string) {
	t.Helper()
	conn := dialUnix(t, filepath.Join(dir, "sock"))
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	replies := bufio.NewReader(conn)
	ask := func(line string) {
		t.Helper()
		fmt.Fprintln(conn, line)
		if reply, err := replies.ReadString('\n'); err != nil || !strings.HasPrefix(reply, "0 ") {
			t.Fatalf("%s: %q, %v", line, reply, err)
		}
	}
	now := time.Now().Unix()
	for name, value := range putValues {
		ask(fmt.Sprintf(`PUTVAL "%s" interval=10 %d:%s`, name, now, value))
	}
	for severity, words := range map[string]string{"okay": "", "warning": "host=real.example.net", "failure": "host=real.example.net plugin=p plugin_instance=i type=gauge type_instance=j"} {
		ask(fmt.Sprintf(`PUTNOTIF severity=%s time=%d %s message="it is %s"`, severity, now, words, severity))
	}
}

// dialUnix waits until somebody listens.
func dialUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 500 {
		if conn, err := net.Dial("unix", path); err == nil {
			return conn
		}
		<-tick.C
	}
	t.Fatalf("collectd does not open %s", path)
	return nil
}

func collect(values map[string]float64, notes map[string]engine.Event, e engine.Event) {
	if e.ID.Tagged(Tag) {
		notes[e.State] = e
		return
	}
	source, _ := e.ID.Labels.Attr("ds_name")
	service := strings.TrimSuffix(e.ID.Service, "/"+source)
	values[fmt.Sprintf("%s/%s/%s@%.3f", e.ID.Host, service, source, e.Time.Seconds())] = e.Metric
}

// csvValues reads what the csv plugin wrote, files named
// HOST/PLUGIN/TYPE-2006-01-02 with a head of "epoch,NAME,…".
func csvValues(t *testing.T, dir string) map[string]float64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*/*/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no csv files: %v", err)
	}
	values := make(map[string]float64)
	for _, path := range files {
		lines := strings.Split(strings.TrimSpace(read(path)), "\n")
		names := strings.Split(lines[0], ",")
		series, _ := filepath.Rel(dir, path[:len(path)-len("-2006-01-02")])
		for _, line := range lines[1:] {
			columns := strings.Split(line, ",")
			for i, text := range columns[1:] {
				value, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				if !math.IsNaN(value) {
					values[series+"/"+names[i+1]+"@"+columns[0]] = value
				}
			}
		}
	}
	return values
}

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// compare holds that both have the same values, all of them. A csv file has six
// digits after the point.
func compare(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[key]
		if !ok {
			t.Errorf("%s is missing", key)
		} else if w := want[key]; math.Abs(g-w) > 0.5e-6 {
			t.Errorf("%s: got %v, want %v", key, g, w)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is too much", key)
		}
	}
	for name := range putValues {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(key string) bool { return strings.HasPrefix(key, name+"/") }) {
			t.Errorf("%s did not come", name)
		}
	}
	t.Logf("%d values are equal", len(want))
}

func checkNotes(t *testing.T, notes map[string]engine.Event) {
	t.Helper()
	for state, want := range map[string][3]string{
		"ok":       {"", "", "it is okay"},
		"warning":  {"real.example.net", "", "it is warning"},
		"critical": {"real.example.net", "p-i/gauge-j", "it is failure"},
	} {
		e := notes[state]
		if e.ID == nil || [3]string{e.ID.Host, e.ID.Service, e.Description} != want {
			t.Errorf("%s: got %+v, want %q", state, e, want)
		}
	}
}
