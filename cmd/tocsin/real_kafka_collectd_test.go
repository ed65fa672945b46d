//go:build real

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/bench/programs"
)

// kafkaCollectdRules take in what one collectd sends on three ways.
const kafkaCollectdRules = `
source.collectd { listen = "127.0.0.1:%[1]s", rates = false, types_db = { %[2]q }, tags = { "network" } }
for _, way in ipairs { "json", "command" } do
  source.kafka { name = way, brokers = { %[3]q }, topics = { "collectd-" .. way }, group = "collectd-" .. way, format = "collectd",
    types_db = { %[2]q }, start = "earliest", tags = { way } }
end
events:where 'host =~ "%%.example.net" and not expired':to(sink.file { path = "events.jsonl" })
`

// kafkaCollectdConfig is how it does so.
const kafkaCollectdConfig = `
TypesDB %[2]q
LoadPlugin network
<Plugin network>
  Server "127.0.0.1" "%[1]s"
</Plugin>
LoadPlugin write_kafka
<Plugin write_kafka>
  Property "metadata.broker.list" %[3]q
  <Topic "collectd-json">
    Format JSON
    StoreRates false
  </Topic>
  <Topic "collectd-command">
    Format Command
    StoreRates false
  </Topic>
</Plugin>`

// kafkaCollectdValues are values that no plugin of the test measures. collectd's
// JSON has a ? for each byte of a name that is not ASCII, so there are none.
var kafkaCollectdValues = map[string]string{
	"real.example.net/inject/counter-big":          "18446744073709551000",
	"real.example.net/inject/derive-negative":      "-9223372036854775807",
	"real.example.net/inject/absolute-some":        "7",
	"real.example.net/inject/gauge-tenth":          "0.1",
	"real.example.net/inject/gauge-huge":           "-1e300",
	"real.example.net/inject/mine-x":               "1:2",
	"other.example.net/inject-with space/df-sda 1": "1:2",
	"other.example.net/inject/load":                "0.5:1.5:2.5",
	"other.example.net/inject-nan/gauge-none":      "U",
}

// testKafkaCollectd has collectd write what it measures, in both formats. Their
// events are those of the same values from its network plugin.
func testKafkaCollectd(t *testing.T, k *programs.Kafka) {
	k.CreateTopic("collectd-json", 2)
	k.CreateTopic("collectd-command", 2)
	port, types := programs.Port(t), writeFile(t, "my.db", "mine a:GAUGE:U:U, b:DERIVE:0:U\n")
	r := newReader(t, kafkaCollectdRules, port, types, k.Plain)
	r.start()
	r.awaitLog("listening on udp")
	c := programs.StartCollectd(t, fmt.Sprintf(kafkaCollectdConfig, port, types, k.Plain))
	for series, values := range kafkaCollectdValues {
		c.Put(series, 1795158059.5, values)
	}
	var events map[string][]collectdEvent
	read := func() map[string][]collectdEvent {
		events = collectdEvents(t, filepath.Join(filepath.Dir(r.file), "events.jsonl"))
		return events
	}
	programs.Until(t, "some rounds of plugins came", func() bool { return len(read()["json"]) > 100 })
	c.Stop()
	want := 0
	for _, v := range c.Values() {
		if !math.IsNaN(v.Metric) {
			want++
		}
	}
	programs.Until(t, fmt.Sprintf("all %d values came on each way", want), func() bool {
		read()
		return len(events["network"]) >= want && len(events["json"]) >= want && len(events["command"]) >= want
	})
	r.stop()
	for way, got := range events {
		if len(got) != want {
			t.Errorf("%s: %d events, of %d", way, len(got), want)
		}
		for i := range min(len(got), len(events["network"])) {
			if same := events["network"][i]; !got[i].equal(same) {
				t.Errorf("%s: got %v, the network plugin has %v", way, got[i], same)
				break
			}
		}
	}
	plugins := make(map[string]int)
	for _, e := range events["network"] {
		plugins[e.Attrs["plugin"]]++
	}
	t.Logf("values of each plugin, which are the same on each way: %v", plugins)
	if len(plugins) < 4 {
		t.Error("too few plugins")
	}
}

// collectdEvent is an event of a file.
type collectdEvent struct {
	Host, Service     string
	Time, Metric, TTL float64
	Tags              []string
	Attrs             map[string]string
}

// equal wants the same event of another way. Of times and metrics, the formats
// have three and six digits behind the point.
func (e collectdEvent) equal(o collectdEvent) bool {
	return e.Host == o.Host && e.Service == o.Service && e.TTL == o.TTL && maps.Equal(e.Attrs, o.Attrs) &&
		math.Abs(e.Time-o.Time) < 0.6e-3 && math.Abs(e.Metric-o.Metric) <= max(0.6e-6, 1e-14*math.Abs(o.Metric))
}

// collectdEvents returns the events of a file by their only tags, in the order of
// names and times.
func collectdEvents(t *testing.T, path string) map[string][]collectdEvent {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string][]collectdEvent)
	for line := range strings.Lines(string(text)) {
		if !strings.HasSuffix(line, "\n") {
			break // it is half written
		}
		e := collectdEvent{Attrs: make(map[string]string)}
		var all map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(line), &all); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"plugin", "plugin_instance", "type", "type_instance", "ds_name", "ds_type"} {
			if value, ok := all[name].(string); ok {
				e.Attrs[name] = value
			}
			delete(all, name)
		}
		if len(all) != 6 || len(e.Tags) != 1 {
			t.Fatalf("there is too much or too little in %s", line)
		}
		out[e.Tags[0]] = append(out[e.Tags[0]], e)
	}
	for _, events := range out {
		slices.SortFunc(events, func(a, b collectdEvent) int {
			return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Time, b.Time))
		})
	}
	return out
}
