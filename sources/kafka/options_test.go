package kafka

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/plugins"
)

func list(values ...any) *plugins.Table { return &plugins.Table{List: values} }

func TestNew_Failure(t *testing.T) {
	f := func(fields map[string]any, want string) {
		t.Helper()
		all := map[string]any{"brokers": list("a"), "topics": list("t")}
		for name, value := range fields {
			all[name] = value
		}
		env := plugins.Env{Name: "kafka", Logger: slog.New(slog.DiscardHandler), Metrics: metrics.NewSet()}
		_, err := plugins.NewSource("kafka", env, &plugins.Table{Pos: "shop.lua:2", Fields: all})
		if want == "" {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shop.lua:2: source.kafka: ") {
			t.Errorf("%v: got error %v, want %q", fields, err, want)
		}
	}
	f(nil, "")
	f(map[string]any{"topics": list("/^shop\\./", "t.a_b-c"), "start": "earliest", "key": true, "headers": list("a"), "dead_letter": "topic:dead"}, "")
	f(map[string]any{"tls": true, "headers": true, "key": "customer", "start": -3600.0, "dead_letter": "file:dead.jsonl"}, "")
	f(map[string]any{"brokers": list()}, `option "brokers" is empty`)
	f(map[string]any{"topics": list()}, `option "topics" is empty`)
	f(map[string]any{"topics": list("a b")}, `"a b" is not a topic`)
	f(map[string]any{"topics": list("..")}, `".." is not a topic`)
	f(map[string]any{"topics": list("/(/")}, `cannot use pattern "/(/"`)
	f(map[string]any{"group": ""}, `option "group" is empty`)
	f(map[string]any{"session_timeout": 0.0}, "session_timeout is 0s")
	f(map[string]any{"format": "jsn"}, `did you mean "json"?`)
	f(map[string]any{"format": "auto", "types_db": list("my.db")}, "")
	f(map[string]any{"format": "json", "types_db": list("my.db")}, `option "types_db": only used with format = "collectd" or "auto"`)
	f(map[string]any{"templates": list("host*.service")}, "cannot parse template")
	f(map[string]any{"templates": list("host.service"), "format": "json"}, `option "templates": only used with format = "graphite" or "auto"`)
	f(map[string]any{"start": "first"}, `start is first, expected "latest", "earliest" or a number`)
	f(map[string]any{"start": true}, "start is true")
	f(map[string]any{"key": 1.0}, "key is neither")
	f(map[string]any{"key": "host"}, `key is "host", which is a field`)
	f(map[string]any{"headers": "a"}, "headers is neither")
	f(map[string]any{"headers": list(1.0)}, "headers is neither")
	f(map[string]any{"max_lag": -1.0}, "max_lag is -1")
	f(map[string]any{"fetch_bytes": 1.0}, "fetch_bytes is 1")
	f(map[string]any{"record_bytes": 0.0}, "record_bytes is 0")
	f(map[string]any{"dead_letter": "dead"}, `dead_letter is "dead", expected "topic:NAME" or "file:PATH"`)
	f(map[string]any{"dead_letter": "file:"}, `dead_letter is "file:"`)
	f(map[string]any{"dead_letter": "topic:a b"}, `"a b" is not a topic`)
	f(map[string]any{"dead_letter": "topic:t"}, `which is read as well`)
	f(map[string]any{"topics": list("/^(t|dead)/"), "dead_letter": "topic:dead"}, `which is read as well`)
	f(map[string]any{"sasl": &plugins.Table{Fields: map[string]any{"mechanism": "x"}}}, `option "sasl": option "user" is missing`)
	f(map[string]any{"isolation": "x"}, `unknown option "isolation"`)
}

func TestTopics(t *testing.T) {
	f := func(topics []string, want []string, names []string) {
		t.Helper()
		o := Defaults()
		o.Brokers, o.Topics = []string{"a"}, topics
		s, err := o.check("")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.topics, want) || !slices.Equal(s.names(), names) {
			t.Errorf("%q: got %q, names %q", topics, s.topics, s.names())
		}
	}
	f([]string{"a", "b.c"}, []string{"a", "b.c"}, []string{"a", "b.c"})
	f([]string{"/a/", "b.c"}, []string{"a", `^b\.c$`}, []string{"b.c"})
}

func TestStartTime(t *testing.T) {
	now := time.Unix(2000, 0)
	for at, want := range map[float64]int64{1000.5: 1000_500, -60: 1940_000} {
		if got := (start{startTime, at}).time(now).UnixMilli(); got != want {
			t.Errorf("%v: got %d, want %d", at, got, want)
		}
	}
}
