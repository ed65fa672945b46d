package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// step is one thing that happens to an engine.
type step struct {
	advance time.Duration
	turn    int
	service int
	label   int
	event   Event
	emits   int
	asks    bool
}

func drawStep(t *rapid.T) step {
	s := step{
		service: rapid.IntRange(0, 6).Draw(t, "service"), label: rapid.IntRange(0, 20).Draw(t, "label"),
		emits: rapid.IntRange(0, 2).Draw(t, "emits"), asks: rapid.Bool().Draw(t, "asks"),
	}
	if rapid.IntRange(0, 2).Draw(t, "do") == 0 {
		s.advance = time.Duration(rapid.IntRange(1, 40_000).Draw(t, "ms")) * time.Millisecond
		s.turn = rapid.SampledFrom([]int{0, 20, 200}).Draw(t, "turn")
	}
	s.event.SetMetric(float64(rapid.IntRange(-3, 3).Draw(t, "metric")) / 3)
	s.event.SetState(rapid.SampledFrom([]string{"ok", "ok", "critical", Expired}).Draw(t, "state"))
	if rapid.Bool().Draw(t, "has ttl") {
		s.event.SetTTL(time.Duration(rapid.IntRange(0, 30).Draw(t, "ttl")) * time.Second)
	}
	if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
		s.event.SetTime(TimeOf(float64(rapid.IntRange(0, 200).Draw(t, "time"))))
	}
	return s
}

// play runs an engine through steps and returns all that came out.
func play(steps []step) []string {
	e := New(Options{Forget: 30 * time.Second, Identities: 40}, 0)
	var out []string
	var emits int
	e.Subscribe(nil, &recorder{then: func(ev *Event) {
		out = append(out, show(ev))
		for i := range emits {
			if ev.Depth < 2 {
				derived := *ev
				derived.ID = e.ids.Loose(serviceParts(fmt.Sprint("derived", ev.ID.Service, i), "from", ev.State))
				derived.Depth++
				e.Emit(derived)
			}
		}
	}})
	e.Subscribe(isRole, &recorder{then: func(ev *Event) { out = append(out, "role "+show(ev)) }})
	metric := FieldNamed("metric")
	for _, s := range steps {
		emits = s.emits
		if s.advance > 0 {
			e.Advance(e.now.Add(s.advance), s.turn)
		} else {
			p := serviceParts(fmt.Sprint("s", s.service), "label", fmt.Sprint(s.label))
			if s.label%3 == 0 {
				p.Tags = []string{"app"}
			}
			ev := s.event
			ev.ID = e.ids.Loose(p)
			e.Ingest(&ev)
		}
		if s.asks {
			all, ok := e.index.Set("all", nil, 10*time.Second), e.index.Set("ok", isOK, -1)
			sum, n := all.Sum(metric)
			low, _ := ok.Min(metric)
			out = append(out, fmt.Sprint(all.Len(), ok.Len(), sum, n, low, all.Worst(), all.Distinct(FieldNamed("label"))))
			ok.Events(func(ev *Event) bool { out = append(out, "ok "+show(ev)); return true })
			e.index.sets.dropUnused(e.now.Add(-time.Second))
		}
	}
	return append(out, fmt.Sprint(e.now, e.index.Len(), e.stats))
}

// TestSameInputSameOutput: an engine is a function of its input and of the
// readings of its clock, whatever the seeds of its hash tables are.
func TestSameInputSameOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 60).Draw(t, "steps")
		first, second := play(steps), play(steps)
		for i := range first {
			if i >= len(second) || first[i] != second[i] {
				t.Fatalf("line %d: %q, then %q", i, first[i], second[min(i, len(second)-1)])
			}
		}
		if !slices.Equal(first, second) {
			t.Fatalf("%d lines, then %d", len(first), len(second))
		}
	})
}
