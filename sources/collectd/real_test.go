//go:build real

package collectd

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bench/programs"
	"tocsin/engine"
	"tocsin/plugins"
)

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
	"other.example.net/inject-nan/gauge-none": "U",
}

// TestRealCollectd compares what arrives from a collectd with what its csv
// plugin writes.
func TestRealCollectd(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"none", "sign", "encrypt"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			testRealCollectd(t, mode)
		})
	}
}

func testRealCollectd(t *testing.T, mode string) {
	r := start(t, t.TempDir(), func(o *Options) {
		o.Security, o.Rates = mode, false
		o.Users = &plugins.Table{Fields: map[string]any{"alice": plugins.NewSecret("KEY", password)}}
	})
	security := ""
	if mode != "none" {
		security = fmt.Sprintf("SecurityLevel %s\n Username \"alice\"\n Password %q", mode, password)
	}
	_, port, _ := strings.Cut(r.conn.RemoteAddr().String(), ":")
	collectd := programs.StartCollectd(t, fmt.Sprintf(`
LoadPlugin network
<Plugin network>
  <Server "127.0.0.1" "%s">
    %s
  </Server>
</Plugin>`, port, security))
	put(collectd)

	got := make(map[string]float64)
	notes := make(map[string]engine.Event)
	for cpu := 0; cpu < 4; { // some rounds of its own plugins
		e := r.next(t)
		if collect(got, notes, e); e.ID.Service == "cpu-0/cpu-user" {
			cpu++
		}
	}
	collectd.Stop()

	want, gaps := csvValues(collectd.Values())
	receive(r, got, notes, want)
	compare(t, got, want)
	checkNotes(t, notes)
	for i := range problems {
		want := uint64(0)
		if Problem(i) == NaN {
			want = gaps
		}
		if n := r.counter(problemMetric(Problem(i))); n != want {
			t.Errorf("problem %s: %d times, want %d", Problem(i), n, want)
		}
	}
}

// put injects chosen values and notifications through collectd's own socket.
func put(collectd *programs.Collectd) {
	now := time.Now().Unix()
	for series, values := range putValues {
		collectd.Put(series, float64(now), values)
	}
	for severity, words := range map[string]string{"okay": "", "warning": "host=real.example.net", "failure": "host=real.example.net plugin=p plugin_instance=i type=gauge type_instance=j"} {
		collectd.Command(`PUTNOTIF severity=%s time=%d %s message="it is %s"`, severity, now, words, severity)
	}
}

// csvValues returns values by name and time, and how many are NaN.
func csvValues(values []programs.CollectdValue) (want map[string]float64, gaps uint64) {
	want = make(map[string]float64)
	for _, v := range values {
		if math.IsNaN(v.Metric) {
			gaps++
			continue
		}
		want[fmt.Sprintf("%s/%s@%.3f", v.Series(), v.Source, v.Seconds)] = v.Metric
	}
	return want, gaps
}

// receive takes events until everything wanted is there, or nothing has come
// for a while.
func receive(r *running, got map[string]float64, notes map[string]engine.Event, want map[string]float64) {
	for slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(key string) bool { _, ok := got[key]; return !ok }) {
		select {
		case e := <-r.events:
			collect(got, notes, e)
		case <-time.After(10 * time.Second):
			return
		}
	}
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

// compare holds that both have the same values, all of them. A csv file has six
// digits after the point, the last one rounded.
func compare(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[key]
		if !ok {
			t.Errorf("%s is missing", key)
		} else if w := want[key]; math.Abs(g-w) > 0.51e-6 {
			t.Errorf("%s: got %v, want %v", key, g, w)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is too much", key)
		}
	}
	for series, values := range putValues {
		came := slices.ContainsFunc(slices.Collect(maps.Keys(got)), func(key string) bool { return strings.HasPrefix(key, series+"/") })
		if came == (values == "U") {
			t.Errorf("%s: %s: came is %v", series, values, came)
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
