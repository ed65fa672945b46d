package rules

import "testing"

func TestSameSourcesAndSinks(t *testing.T) {
	secrets := map[string]string{"A": "one", "B": "one", "C": "two"}
	load := func(text string) *Config {
		return mustLoad(t, text, Options{Secret: func(name string) (string, bool) { value, ok := secrets[name]; return value, ok }})
	}
	for _, c := range []struct {
		before, after string
		same          bool
	}{
		{`source.graphite { listen = "a:1" }`, "\n\n" + `source.graphite { listen = "a:1" }`, true},
		{`source.graphite { listen = "a:1" }`, `source.graphite { listen = "a:2" }`, false},
		{`source.graphite { listen = "a:1" }`, `source.graphite {}`, false},
		{`source.graphite { listen = "a:1" }`, `source.collectd { listen = "a:1", name = "graphite" }`, false},
		{`source.graphite { tags = { "x" } }`, `source.graphite { tags = { "y" } }`, false},
		{`source.graphite { ttl = 5 }`, `source.graphite { ttl = 6, through = function(s) return s end }`, true},
		{`source.graphite { templates = { "a", "b" } }`, `source.graphite { templates = { "a", "b" } }`, true},
		{`source.graphite { templates = { "a", "b" } }`, `source.graphite { templates = { "b", "a" } }`, false},
		{`source.graphite { name = "x" }`, `source.graphite { name = "y" }`, false},
		{`sink.pagerduty { routing_key = secret "A" }`, `sink.pagerduty { routing_key = secret "B" }`, true},
		{`sink.pagerduty { routing_key = secret "A" }`, `sink.pagerduty { routing_key = secret "C" }`, false},
		{`sink.pagerduty { routing_key = secret "A" }`, `sink.pagerduty { routing_key = "one" }`, false},
		{`sink.led { pixels = 5 }`, `sink.led { pixels = 5, queue = 9 }`, false},
		{`sink.led { pixels = 5 }`, `sink.led { pixels = 5, full = "block" }`, false},
		{`sink.led { pixels = 5 }`, `sink.led { pixels = 5 }`, true},
	} {
		before, after := load(c.before), load(c.after)
		same := false
		if len(before.Sources) > 0 {
			same = after.Sources[0].Same(before.Sources[0])
		} else {
			same = after.Sinks[0].Same(before.Sinks[0])
		}
		if same != c.same {
			t.Errorf("%s and %s: same %v", c.before, c.after, same)
		}
	}
}
