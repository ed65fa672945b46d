package collectd

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/plugins"
)

// meters are the source's counters.
type meters struct {
	datagrams  *metrics.Counter
	bytes      *metrics.Counter
	lost       *metrics.Counter // by the kernel
	readErrors *metrics.Counter
	problems   [problems]*metrics.Counter
}

func newMeters(env plugins.Env) meters {
	counter := func(name, more string) *metrics.Counter {
		return env.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_source_%s_total{source=%q%s}", name, env.Name, more))
	}
	m := meters{
		datagrams:  counter("datagrams", ""),
		bytes:      counter("bytes", ""),
		lost:       counter("lost_datagrams", ""),
		readErrors: counter("read_errors", ""),
	}
	for i := range m.problems {
		m.problems[i] = counter(problemMetric(Problem(i)))
	}
	return m
}

// problemMetric returns the metric that counts a problem, and its label.
func problemMetric(p Problem) (name, label string) {
	reason := fmt.Sprintf(",reason=%q", p)
	switch p {
	case NaN:
		return "nan", ""
	case TooMany:
		return "rejected_identities", ""
	case UnknownType:
		return "unknown_types", ""
	case First, Old, Incomplete, UnknownSeverity:
		return "skipped", reason
	}
	return "bad_datagrams", reason
}
