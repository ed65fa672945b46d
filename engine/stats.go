package engine

import "github.com/VictoriaMetrics/metrics"

// Stats are what an engine has counted since its start.
type Stats struct {
	// Events are those that went through the streams; Derived those of them
	// that a rule emitted, Expired those that tell of a ttl that has passed.
	Events, Derived, Expired uint64
	// Errors are those of functions and operators.
	Errors uint64
	// Rejected events had an identity that there was no room for; Skewed ones
	// a time too far in the future.
	Rejected, Skewed uint64
}

// published are the counters as other goroutines see them.
type published struct {
	counters            [6]*metrics.Counter
	entries, identities *metrics.Gauge
}

// newPublished finds the counters in a set, which must not keep the engine alive:
// another one may go on with them.
func newPublished(set *metrics.Set) published {
	return published{
		counters: [6]*metrics.Counter{
			set.GetOrCreateCounter("tocsin_events_total"),
			set.GetOrCreateCounter("tocsin_events_derived_total"),
			set.GetOrCreateCounter("tocsin_events_expired_total"),
			set.GetOrCreateCounter("tocsin_errors_total"),
			set.GetOrCreateCounter("tocsin_events_rejected_total"),
			set.GetOrCreateCounter("tocsin_events_skewed_total"),
		},
		entries:    set.GetOrCreateGauge("tocsin_index_entries", nil),
		identities: set.GetOrCreateGauge("tocsin_identities", nil),
	}
}

// Stats returns what the engine has counted.
func (e *Engine) Stats() Stats { return e.stats }

// publish makes the counters visible to other goroutines.
func (e *Engine) publish() {
	s := &e.stats
	for i, n := range [6]uint64{s.Events, s.Derived, s.Expired, s.Errors, s.Rejected, s.Skewed} {
		e.published.counters[i].Set(n)
	}
	e.published.entries.Set(float64(len(e.index.entries)))
	e.published.identities.Set(float64(e.ids.Len()))
}
