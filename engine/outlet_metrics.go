package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// outletMetrics count events, and calls of the sink.
type outletMetrics struct {
	events, delivered                 *metrics.Counter
	dropFull, dropTarget, dropExpired *metrics.Counter
	dropPermanent, dropShutdown       *metrics.Counter
	superseded, blocked, restored     *metrics.Counter
	retries, errors, panics           *metrics.Counter
	queue                             *metrics.Gauge
	calls                             *metrics.Histogram
}

// newOutletMetrics finds the counters of a sink, which go on counting when the
// sink of a reloaded configuration has the same name.
func newOutletMetrics(set *metrics.Set, name string) outletMetrics {
	counter := func(metric string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("tocsin_sink_%s_total{sink=%q}", metric, name))
	}
	dropped := func(reason string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf("tocsin_sink_dropped_total{sink=%q,reason=%q}", name, reason))
	}
	return outletMetrics{
		events:        counter("events"),
		delivered:     counter("delivered"),
		dropFull:      dropped("full"),
		dropTarget:    dropped("target"),
		dropExpired:   dropped("expired"),
		dropPermanent: dropped("permanent"),
		dropShutdown:  dropped("shutdown"),
		superseded:    counter("superseded"),
		blocked:       counter("blocked"),
		restored:      counter("restored"),
		retries:       counter("retries"),
		errors:        counter("errors"),
		panics:        counter("panics"),
		queue:         set.GetOrCreateGauge(fmt.Sprintf("tocsin_sink_queue_length{sink=%q}", name), nil),
		calls:         set.GetOrCreateHistogram(fmt.Sprintf("tocsin_sink_call_seconds{sink=%q}", name)),
	}
}

// The least time between two lines of a troubleLog about the same trouble.
const troubleLogEvery = 10 * time.Second

// troubleLog logs a trouble that may come often: the first time, then at most
// every troubleLogEvery with how much there was, and once when it is over.
type troubleLog struct {
	logger *slog.Logger
	last   time.Time // of a line
	count  int       // since the trouble began
	told   bool      // there was a line since the trouble began
}

func (l *troubleLog) add(message string, err error, n int) {
	l.count += n
	now := time.Now()
	if !l.last.IsZero() && now.Sub(l.last) < troubleLogEvery {
		return
	}
	l.last, l.told = now, true
	args := []any{"error", err, "count", l.count}
	if p, ok := errors.AsType[*panicError](err); ok {
		args = append(args, "stack", string(p.stack))
	}
	l.logger.Warn(message, args...)
}

func (l *troubleLog) over(message string) {
	if l.told {
		l.logger.Info(message, "errors", l.count)
	}
	l.count, l.told = 0, false
}
