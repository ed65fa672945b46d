package store

import "github.com/VictoriaMetrics/metrics"

// storeMetrics tell how a store does.
type storeMetrics struct {
	bytes, live, records     *metrics.Gauge
	written, errors, shrinks *metrics.Counter
	commits                  *metrics.Histogram
}

// newStoreMetrics finds the counters, which go on counting when a store is
// opened again.
func newStoreMetrics(set *metrics.Set) storeMetrics {
	return storeMetrics{
		bytes:   set.GetOrCreateGauge("tocsin_store_bytes", nil),
		live:    set.GetOrCreateGauge("tocsin_store_live_bytes", nil),
		records: set.GetOrCreateGauge("tocsin_store_records", nil),
		written: set.GetOrCreateCounter("tocsin_store_written_records_total"),
		errors:  set.GetOrCreateCounter("tocsin_store_errors_total"),
		shrinks: set.GetOrCreateCounter("tocsin_store_shrinks_total"),
		commits: set.GetOrCreateHistogram("tocsin_store_commit_seconds"),
	}
}
