package graphite

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counters are the metrics of one source. README.md says what they mean.
type counters struct {
	bytes       *metrics.Counter
	bad         *metrics.Counter
	oversized   *metrics.Counter
	nan         *metrics.Counter
	rejected    *metrics.Counter
	frames      *metrics.Counter
	lost        *metrics.Counter
	accepted    *metrics.Counter
	refused     *metrics.Counter
	connections *metrics.Gauge
}

func newCounters(set *metrics.Set, source string) *counters {
	name := func(what string) string {
		return fmt.Sprintf("tocsin_source_%s{source=%q}", what, source)
	}
	return &counters{
		bytes:       set.GetOrCreateCounter(name("bytes_total")),
		bad:         set.GetOrCreateCounter(name("bad_lines_total")),
		oversized:   set.GetOrCreateCounter(name("oversized_total")),
		nan:         set.GetOrCreateCounter(name("nan_total")),
		rejected:    set.GetOrCreateCounter(name("rejected_identities_total")),
		frames:      set.GetOrCreateCounter(name("bad_frames_total")),
		lost:        set.GetOrCreateCounter(name("lost_datagrams_total")),
		accepted:    set.GetOrCreateCounter(name("connections_total")),
		refused:     set.GetOrCreateCounter(name("refused_connections_total")),
		connections: set.GetOrCreateGauge(name("connections"), nil),
	}
}

const (
	logInterval = time.Second
	maxLogged   = 200 // bytes of bad input
)

// sampledLog writes one line each second at most, however much bad input
// comes in. It may be used from any goroutine.
type sampledLog struct {
	logger *slog.Logger
	next   atomic.Int64 // wall clock in nanoseconds, when it may write again
	hidden atomic.Int64 // lines left out since it last wrote
}

// warn logs what came from where, cut to a readable length, and why it is bad.
func (l *sampledLog) warn(message string, from netip.AddrPort, input []byte, reason error) {
	now, next := time.Now().UnixNano(), l.next.Load()
	if now < next || !l.next.CompareAndSwap(next, now+int64(logInterval)) {
		l.hidden.Add(1)
		return
	}
	attrs := []any{"reason", reason, "not_logged", l.hidden.Swap(0)}
	if from.IsValid() {
		attrs = append(attrs, "from", from)
	}
	if len(input) > 0 {
		attrs = append(attrs, "input", fmt.Sprintf("%q", input[:min(len(input), maxLogged)]))
	}
	l.logger.Warn(message, attrs...)
}
