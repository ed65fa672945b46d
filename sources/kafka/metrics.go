package kafka

import (
	"fmt"

	"github.com/VictoriaMetrics/metrics"
)

// counters are the metrics of one source. README.md says what they mean.
type counters struct {
	set    *metrics.Set
	source string

	bytes      *metrics.Counter
	gaps       *metrics.Counter
	dead       *metrics.Counter
	deadLost   *metrics.Counter
	errors     *metrics.Counter
	commits    *metrics.Counter
	badCommits *metrics.Counter
	rebalances *metrics.Counter
}

func newCounters(set *metrics.Set, source string) *counters {
	c := &counters{set: set, source: source}
	counter := func(what string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("tocsin_source_kafka_%s{source=%q}", what, source))
	}
	c.bytes = counter("bytes_total")
	c.gaps = counter("gaps_total")
	c.dead = counter("dead_letters_total")
	c.deadLost = counter("lost_dead_letters_total")
	c.errors = counter("errors_total")
	c.commits = counter("commits_total")
	c.badCommits = counter("bad_commits_total")
	c.rebalances = counter("rebalances_total")
	return c
}

// partitionCounters are those of one partition.
type partitionCounters struct {
	set   *metrics.Set
	names []string

	records *metrics.Counter
	bad     *metrics.Counter
	missed  *metrics.Counter
	errors  *metrics.Counter
}

func (c *counters) of(topic string, number int32, lag func() float64) *partitionCounters {
	p := &partitionCounters{set: c.set}
	name := func(what string) string {
		full := fmt.Sprintf(`tocsin_source_kafka_%s{source=%q,topic=%q,partition="%d"}`, what, c.source, topic, number)
		p.names = append(p.names, full)
		return full
	}
	p.records = c.set.GetOrCreateCounter(name("records_total"))
	p.bad = c.set.GetOrCreateCounter(name("bad_records_total"))
	p.missed = c.set.GetOrCreateCounter(name("missed_records_total"))
	p.errors = c.set.GetOrCreateCounter(name("partition_errors_total"))
	lagName := name("lag")
	c.set.UnregisterMetric(lagName) // of when it was ours before
	c.set.GetOrCreateGauge(lagName, lag)
	return p
}

// end takes the lag of a partition that is not ours any more away. What was
// counted stays.
func (p *partitionCounters) end() { p.set.UnregisterMetric(p.names[len(p.names)-1]) }
