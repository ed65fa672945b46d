package journal

import "github.com/VictoriaMetrics/metrics"

// journalMetrics are the journal's counters.
type journalMetrics struct {
	batches, events, bytes *metrics.Counter // that are durable
	syncs                  *metrics.Histogram
	errors                 *metrics.Counter // groups that could not be written
	unkept                 *metrics.Counter // events of those groups
	waits                  *metrics.Counter // how often the engine waited for the disk
	missing                *metrics.Counter // batches that were not there when they were needed
	damages                *metrics.Counter // places where it could not be read on
	size, segments         *metrics.Gauge
}

func newJournalMetrics(j *Journal) journalMetrics {
	set := j.options.Metrics
	set.GetOrCreateGauge("tocsin_journal_lag_batches", func() float64 { return float64(j.lag.Load()) })
	return journalMetrics{
		batches:  set.GetOrCreateCounter("tocsin_journal_batches_total"),
		events:   set.GetOrCreateCounter("tocsin_journal_events_total"),
		bytes:    set.GetOrCreateCounter("tocsin_journal_bytes_total"),
		syncs:    set.GetOrCreateHistogram("tocsin_journal_sync_seconds"),
		errors:   set.GetOrCreateCounter("tocsin_journal_errors_total"),
		unkept:   set.GetOrCreateCounter("tocsin_journal_unkept_events_total"),
		waits:    set.GetOrCreateCounter("tocsin_journal_waits_total"),
		missing:  set.GetOrCreateCounter("tocsin_journal_missing_batches_total"),
		damages:  set.GetOrCreateCounter("tocsin_journal_damages_total"),
		size:     set.GetOrCreateGauge("tocsin_journal_size_bytes", nil),
		segments: set.GetOrCreateGauge("tocsin_journal_segments", nil),
	}
}

// publish sets what is there.
func (j *Journal) publish() {
	j.metrics.size.Set(float64(j.size()))
	j.metrics.segments.Set(float64(len(j.segments)))
}

// size is how many bytes the segments have.
func (j *Journal) size() (bytes int64) {
	for _, s := range j.segments {
		bytes += s.size
	}
	return bytes
}
