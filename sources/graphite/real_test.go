//go:build real

package graphite

import (
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"tocsin/bench/programs"
	"tocsin/engine"
	"tocsin/plugins/carbon"
)

// awaitEvents waits for n events, and takes fewer if no more come.
func awaitEvents(t *testing.T, r *running, n int) []engine.Event {
	t.Helper()
	var events []engine.Event
	programs.Until(t, fmt.Sprintf("%d events", n), func() bool {
		events = r.wait(0)
		return len(events) >= n
	})
	return events
}

// point is one value of a series.
type point struct{ seconds, value float64 }

// series are points by name, in the order they came.
type series map[string][]point

func (s series) add(name string, seconds, value float64) {
	s[name] = append(s[name], point{seconds, value})
}

func seriesOf(events []engine.Event) series {
	s := make(series)
	for _, e := range events {
		s.add(identity(e.ID), e.Time.Seconds(), e.Metric)
	}
	return s
}

// compareSeries holds that both have the same points, as same says.
func compareSeries(t *testing.T, got, want series, same func(a, b point) bool) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.EqualFunc(got[name], want[name], same) {
			t.Errorf("%s: got %v, want %v", name, got[name], want[name])
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("%s is too much", name)
		}
	}
}

// identity writes an identity as "host service key=value …".
func identity(id *engine.Identity) string {
	name := id.Host + " " + id.Service
	for _, a := range id.Labels.Attrs {
		name += " " + a.Key + "=" + a.Value
	}
	return name
}

// writeGraphite lists ways in which collectd's write_graphite can send, and
// what the identity of a value is then.
var writeGraphite = []struct {
	name     string
	options  Options
	node     string
	identity func(v programs.CollectdValue) string
}{
	{"tcp", Options{Listen: loopback, Templates: []string{"host.service*"}}, `Protocol "tcp"`, dotted},
	{"udp", Options{UDP: loopback, Templates: []string{"host.service*"}}, `Protocol "udp"`, dotted},
	{"tags", Options{Listen: loopback}, "UseTags true", tagged},
}

// dotted is the identity of HOST.PLUGIN[-INSTANCE].TYPE[-INSTANCE][.SOURCE].
func dotted(v programs.CollectdValue) string {
	name := escape(v.Host, true) + " " + escape(v.Plugin, true) + "." + escape(v.Type, true)
	if v.Sources > 1 {
		name += "." + v.Source
	}
	return name
}

// tagged is the identity of PLUGIN.TYPE[.SOURCE];host=HOST;….
func tagged(v programs.CollectdValue) string {
	plugin, pluginInstance, _ := strings.Cut(escape(v.Plugin, false), "-")
	kind, typeInstance, _ := strings.Cut(escape(v.Type, false), "-")
	service, attributes := plugin+"."+kind, ""
	if v.Sources > 1 {
		service, attributes = service+"."+v.Source, " ds_name="+v.Source
	}
	attributes += " plugin=" + plugin
	if pluginInstance != "" {
		attributes += " plugin_instance=" + pluginInstance
	}
	attributes += " type=" + kind
	if typeInstance != "" {
		attributes += " type_instance=" + typeInstance
	}
	return v.Host + " " + service + attributes
}

// escape does what write_graphite does to names.
func escape(name string, dots bool) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || dots && r == '.' {
			return '_'
		}
		return r
	}, name)
}

// TestRealWriteGraphite compares what arrives from the write_graphite plugin
// of a collectd with what its csv plugin writes.
func TestRealWriteGraphite(t *testing.T) {
	t.Parallel()
	config := "LoadPlugin write_graphite\n<Plugin write_graphite>\n"
	var sources []*running
	for _, way := range writeGraphite {
		r := start(t, way.options, newRecorder())
		sources = append(sources, r)
		_, address, _ := strings.Cut(r.Addresses()[0], " ")
		host, port, _ := net.SplitHostPort(address)
		config += fmt.Sprintf("<Node %q>\n Host %q\n Port %q\n StoreRates false\n %s\n</Node>\n", way.name, host, port, way.node)
	}
	collectd := programs.StartCollectd(t, config+"</Plugin>")
	now := float64(time.Now().Unix())
	for series, values := range map[string]string{
		"other.example.net/inject/counter-big":     "18446744073709551000",
		"other.example.net/inject/derive-negative": "-9223372036854775807",
		"other.example.net/inject/absolute-some":   "7",
		"other.example.net/inject/gauge-huge":      "-1e300",
		"other.example.net/inject/gauge-tenth":     "0.1",
		"other.example.net/inject-µ/df-sda 1":      "1:2",
		"other.example.net/inject-a.b/load":        "0.5:U:2.5",
		"other.example.net/inject/gauge-none":      "U",
	} {
		collectd.Put(series, now, values)
	}
	awaitEvents(t, sources[0], 100) // some rounds of its own plugins
	collectd.Stop()
	values := collectd.Values()
	for i, way := range writeGraphite {
		t.Run(way.name, func(t *testing.T) { checkWriteGraphite(t, sources[i], values, way.identity) })
	}
}

// sameRounded compares points of write_graphite, which rounds times to seconds
// and values to 15 digits, with those of csv: milliseconds, and six digits after
// the point.
func sameRounded(got, want point) bool {
	return math.Abs(got.seconds-want.seconds) < 0.501 && math.Abs(got.value-want.value) <= max(0.51e-6, 1e-14*math.Abs(want.value))
}

func checkWriteGraphite(t *testing.T, r *running, values []programs.CollectdValue, name func(programs.CollectdValue) string) {
	want, n := make(series), 0
	for _, v := range values {
		if !math.IsNaN(v.Metric) {
			want.add(name(v), v.Seconds, v.Metric)
			n++
		}
	}
	compareSeries(t, seriesOf(awaitEvents(t, r, n)), want, sameRounded)
	r.stop()
	counted(t, r, 0, 0, uint64(len(values)-n), 0, 0)
	if len(values)-n < 2 {
		t.Errorf("%d gaps only", len(values)-n)
	}
	t.Logf("%d values are equal", n)
}

// relayed are values that carbon-relay passes on whole in all its protocols:
// as lines it sends ten digits after the point.
var relayed = []float64{0, 1, -1.5, 0.1, 1e15, 2401046528, -0.0000000001, 123456.789}

// TestRealCarbonRelay sends lines through a carbon-relay.
func TestRealCarbonRelay(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		protocol string
		options  Options
		values   []float64
	}{
		{"line", Options{Listen: loopback}, relayed},
		{"pickle", Options{Pickle: loopback}, append([]float64{1e300, -5e-324, math.MaxFloat64, 1.0 / 3}, relayed...)},
	} {
		t.Run(way.protocol, func(t *testing.T) {
			t.Parallel()
			testRealCarbonRelay(t, way.protocol, way.options, way.values)
		})
	}
}

func testRealCarbonRelay(t *testing.T, protocol string, o Options, values []float64) {
	r := start(t, o, newRecorder())
	_, address, _ := strings.Cut(strings.TrimSuffix(r.Addresses()[0], " (pickle)"), " ")
	_, destination, _ := net.SplitHostPort(address)
	port := programs.Port(t)
	programs.StartCarbonRelay(t, port, destination, protocol)

	var lines strings.Builder
	want := make(series)
	const n = 3000 // several frames
	for i := range n {
		name, value, seconds := fmt.Sprintf("relayed.n%d", i%700), values[i%len(values)], float64(1700000000+i)
		if i%10 == 0 {
			name += ";host=µ1;rack=r2" // in the order that carbon gives tags
		}
		fmt.Fprintf(&lines, "%s %v %.0f\n", name, value, seconds)
		parts, err := new(carbon.Naming).Parts(name)
		if err != nil {
			t.Fatal(err)
		}
		id, err := r.ids.Intern(parts)
		if err != nil {
			t.Fatal(err)
		}
		want.add(identity(id), seconds, value)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, lines.String())

	compareSeries(t, seriesOf(awaitEvents(t, r, n)), want, func(a, b point) bool { return a == b })
	r.stop()
	counted(t, r, 0, 0, 0, 0, 0)
}
