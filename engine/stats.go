package engine

import "github.com/VictoriaMetrics/metrics"

// engineStats are the engine's own counters: plain numbers that its goroutine
// counts, and what they are published as after each batch.
type engineStats struct {
	events, derived, expired, errors, rejected, skewed uint64
	rejectedAt                                         Time

	published [6]*metrics.Counter
	entries   *metrics.Gauge
}

func newEngineStats(e *Engine) engineStats {
	set := e.opts.Metrics
	s := engineStats{published: [6]*metrics.Counter{
		set.GetOrCreateCounter("tocsin_events_total"),
		set.GetOrCreateCounter("tocsin_events_derived_total"),
		set.GetOrCreateCounter("tocsin_events_expired_total"),
		set.GetOrCreateCounter("tocsin_rule_errors_total"),
		set.GetOrCreateCounter("tocsin_events_rejected_total"),
		set.GetOrCreateCounter("tocsin_events_skewed_total"),
	}, entries: set.GetOrCreateGauge("tocsin_index_entries", nil)}
	set.GetOrCreateGauge("tocsin_identities", func() float64 { return float64(e.ids.Len()) })
	return s
}

// publish makes the counters visible to other goroutines.
func (e *Engine) publish() {
	s := &e.stats
	for i, n := range [6]uint64{s.events, s.derived, s.expired, s.errors, s.rejected, s.skewed} {
		s.published[i].Set(n)
	}
	s.entries.Set(float64(len(e.index.entries)))
}
