package main

import (
	"io"
	"slices"
	"sync"

	"github.com/VictoriaMetrics/metrics"
)

// exposition is what /metrics shows: the counters of the program, which live as
// long as it does, and those of the parts of the configuration, which go with
// them.
type exposition struct {
	*metrics.Set

	mu    sync.Mutex
	parts []*metrics.Set
}

func newExposition() *exposition { return &exposition{Set: metrics.NewSet()} }

// show puts parts in the place of those that were shown before.
func (x *exposition) show(parts []*metrics.Set) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts = parts
}

// write writes everything in Prometheus' text format.
func (x *exposition) write(w io.Writer) {
	x.mu.Lock()
	parts := slices.Clone(x.parts)
	x.mu.Unlock()
	x.WritePrometheus(w)
	for _, part := range parts {
		part.WritePrometheus(w)
	}
	metrics.WriteProcessMetrics(w)
}
