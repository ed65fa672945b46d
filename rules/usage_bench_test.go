package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkUsage reads what 10,000 streams of three operators and 1,000 rules
// have done. Half of the calls held the engine up for at most "held-ns".
func BenchmarkUsage(b *testing.B) {
	var text strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&text, "events:where 'service = \"s%d\"':changed('state'):index()\n", i)
	}
	for i := range 1000 {
		fmt.Fprintf(&text, "rule \"r%d\" { every = 60, eval = function() end }\n", i)
	}
	r := startRun(b, text.String())
	defer r.config.Close()
	var held []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.config.Usage(func(f func()) error {
			began := time.Now()
			f()
			held = append(held, time.Since(began))
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(held)
	b.ReportMetric(float64(held[len(held)/2]), "held-ns")
}
