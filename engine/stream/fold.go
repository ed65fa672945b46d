package stream

import (
	"fmt"
	"math"
	"slices"

	"tocsin/engine"
)

// Fold makes one event of each list. The name says how:
//
//   - sum, product, mean, median (of an even number the upper one), stddev (of
//     the population) and mode (at a tie the value that got there first) work
//     on the metrics that are there, and pass the list's first event with the
//     result as metric. Without any metric, sum is 0, product is 1, and the
//     others pass nothing.
//   - min and max pass the event with that metric, of equals the last.
//   - count counts the events, with or without metric.
//
// An empty list passes nothing, but for count: that makes an event with the
// metric 0 and nothing else.
func (s *Stream) Fold(name string) (*Stream, error) {
	op := &fold{none: s.graph.engine.Identities().Loose(engine.Parts{})}
	switch name {
	case "sum":
		op.metric = sum
	case "product":
		op.metric = product
	case "mean":
		op.metric = mean
	case "median":
		op.metric = median
	case "stddev":
		op.metric = stddev
	case "mode":
		op.metric = mode
	case "min":
		op.pick = func(a, b float64) bool { return a <= b }
	case "max":
		op.pick = func(a, b float64) bool { return a >= b }
	case "count":
	default:
		return nil, fmt.Errorf("there is no fold %q: it is one of sum, product, mean, median, stddev, mode, min, max, count", name)
	}
	return s.add(op, "fold"), nil
}

type fold struct {
	takesLists
	metric  func(metrics []float64) (result float64, ok bool)
	pick    func(a, b float64) bool // a goes before b; both nil: count
	metrics []float64
	made    engine.Event
	none    *engine.Identity
}

func (f *fold) list(g *Group, events []engine.Event) {
	switch {
	case f.metric != nil:
		f.overMetrics(g, events)
	case f.pick != nil:
		f.extreme(g, events)
	default:
		f.count(g, events)
	}
}

func (f *fold) overMetrics(g *Group, events []engine.Event) {
	first := firstEvent(events)
	if first == nil {
		return
	}
	f.metrics = f.metrics[:0]
	for i := range events {
		if events[i].Has&engine.HasMetric != 0 {
			f.metrics = append(f.metrics, events[i].Metric)
		}
	}
	if result, ok := f.metric(f.metrics); ok {
		f.made = *first
		f.made.SetMetric(result)
		f.out.event(g, &f.made)
	}
}

func (f *fold) extreme(g *Group, events []engine.Event) {
	var found *engine.Event
	for i := range events {
		if e := &events[i]; e.Has&engine.HasMetric != 0 && (found == nil || f.pick(e.Metric, found.Metric)) {
			found = e
		}
	}
	if found != nil {
		f.out.event(g, found)
	}
}

func (f *fold) count(g *Group, events []engine.Event) {
	n := 0
	for i := range events {
		if events[i].ID != nil {
			n++
		}
	}
	if first := firstEvent(events); first != nil {
		f.made = *first
	} else {
		f.made = engine.Event{ID: f.none, Arrival: f.now()}
	}
	f.made.SetMetric(float64(n))
	f.out.event(g, &f.made)
}

func sum(metrics []float64) (float64, bool) {
	total := 0.0
	for _, m := range metrics {
		total += m
	}
	return total, true
}

func product(metrics []float64) (float64, bool) {
	total := 1.0
	for _, m := range metrics {
		total *= m
	}
	return total, true
}

func mean(metrics []float64) (float64, bool) {
	total, _ := sum(metrics)
	return total / float64(len(metrics)), len(metrics) > 0
}

// median sorts the metrics.
func median(metrics []float64) (float64, bool) {
	if len(metrics) == 0 {
		return 0, false
	}
	slices.Sort(metrics)
	return metrics[len(metrics)/2], true
}

func stddev(metrics []float64) (float64, bool) {
	average, ok := mean(metrics)
	squares := 0.0
	for _, m := range metrics {
		squares += (m - average) * (m - average)
	}
	return math.Sqrt(squares / float64(len(metrics))), ok
}

func mode(metrics []float64) (float64, bool) {
	times := make(map[float64]int, len(metrics))
	most, found := 0, 0.0
	for _, m := range metrics {
		if times[m]++; times[m] > most {
			most, found = times[m], m
		}
	}
	return found, most > 0
}

// takesLists is the node of an operator that takes lists only.
type takesLists struct{ node }

func (t *takesLists) event(g *Group, e *engine.Event) {
	t.fail(g, e, fmt.Errorf("%s takes lists, but got an event: put a window before it", t.name))
}

// FoldFn makes one event of a list, in which an event without ID stands for
// none. It may not keep the list. When ok is false, nothing is passed.
type FoldFn func(events []engine.Event) (out engine.Event, ok bool, err error)

// FoldFunc passes what fn makes of each list.
func (s *Stream) FoldFunc(fn FoldFn) *Stream { return s.add(&foldFunc{fn: fn}, "fold") }

type foldFunc struct {
	takesLists
	fn   FoldFn
	made engine.Event
}

func (f *foldFunc) list(g *Group, events []engine.Event) {
	out, ok, err := f.fn(events)
	if err != nil {
		f.fail(g, firstEvent(events), err)
		return
	}
	if ok {
		f.made = out
		f.out.event(g, &f.made)
	}
}

// Flatten passes the events of each list one by one.
func (s *Stream) Flatten() *Stream { return s.add(&flatten{}, "flatten") }

type flatten struct{ node }

func (f *flatten) event(g *Group, e *engine.Event) { f.out.event(g, e) }

func (f *flatten) list(g *Group, events []engine.Event) {
	for i := range events {
		if events[i].ID != nil {
			f.out.event(g, &events[i])
		}
	}
}
