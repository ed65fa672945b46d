package engine

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pred is a predicate made of a function; static decides by identity.
type pred struct {
	static func(*Identity) Verdict
	match  func(*Event) bool
}

func (p *pred) Static(id *Identity) Verdict {
	if p.static == nil {
		return Maybe
	}
	return p.static(id)
}
func (p *pred) Match(e *Event) (bool, error) { return p.match(e), nil }
func (p *pred) Rest(e *Event) (bool, error)  { return p.match(e), nil }

var (
	isRole = &pred{func(id *Identity) Verdict {
		if id.Tagged("app") {
			return Maybe
		}
		return Never
	}, func(e *Event) bool { return e.ID.Tagged("app") && e.Metric > 2 }}
	isOK = &pred{match: func(e *Event) bool { return e.State == "ok" }}
)

// TestSetsCountWhatAScanCounts: whatever comes and goes, a standing query
// reads what a scan over the index would find.
func TestSetsCountWhatAScanCounts(t *testing.T) {
	metric, host := FieldNamed("metric"), FieldNamed("service")
	rapid.Check(t, func(t *rapid.T) {
		e := New(Options{Forget: 20 * time.Second}, 0)
		forget := time.Duration(rapid.SampledFrom([]int{-1, 0, 5, 40}).Draw(t, "forget"))
		if forget > 0 {
			forget *= time.Second
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "do") == 0 {
				e.Advance(e.now.Add(time.Duration(rapid.IntRange(1, 15).Draw(t, "dt"))*time.Second), 0)
			} else {
				var p Parts
				p.SetHost("h")
				p.SetService(fmt.Sprint("s", rapid.IntRange(0, 5).Draw(t, "service")))
				if rapid.Bool().Draw(t, "tagged") {
					p.Tags = []string{"app"}
				}
				ev := Event{ID: e.ids.Loose(p)}
				ev.SetMetric(rapid.SampledFrom([]float64{1, 2, 3, 4.5, -7, 1e17, math.Inf(1)}).Draw(t, "metric"))
				ev.SetState(rapid.SampledFrom([]string{"ok", "warning", "critical", "odd", Expired}).Draw(t, "state"))
				ev.SetTTL(time.Duration(rapid.IntRange(1, 30).Draw(t, "ttl")) * time.Second)
				e.Ingest(&ev)
			}
			if rapid.Bool().Draw(t, "ask") {
				for _, p := range []*pred{nil, isRole, isOK} {
					checkSet(t, e, p, forget, metric, host)
				}
			}
		}
	})
}

func checkSet(t *rapid.T, e *Engine, p *pred, forget time.Duration, metric, service Field) {
	var s *Set
	if p == nil {
		s = e.index.Set("all", nil, forget)
	} else {
		s = e.index.Set(p, p, forget)
	}
	limit := forget
	if limit < 0 {
		limit = e.opts.Forget
	}
	var n, ok int
	var sum float64
	var numbers []float64
	names := map[string]bool{}
	worst := ""
	for _, entry := range e.index.entries {
		if p != nil && !p.match(&entry.Event) || entry.status == gone && e.now >= entry.Arrival.Add(limit) {
			continue
		}
		n++
		names[entry.ID.Service] = true
		if entry.State == "ok" {
			ok++
		}
		if entry.Has&HasMetric != 0 {
			sum += entry.Metric
			numbers = append(numbers, entry.Metric)
		}
		state := entry.State
		if state == Expired {
			state = "critical"
		} else if state == "odd" {
			state = "unknown"
		}
		if Severity(state) > Severity(worst) {
			worst = state
		}
	}
	got, gotN := s.Sum(metric)
	if gotN != len(numbers) || math.Abs(got-sum) > 1e-9*math.Abs(sum)+1e-6 {
		t.Fatalf("sum %v of %d, want %v of %d", got, gotN, sum, len(numbers))
	}
	if s.Len() != n || s.Count(isOK, isOK) != ok || s.Distinct(service) != len(names) || s.Worst() != worst {
		t.Fatalf("len %d ok %d distinct %d worst %q, want %d %d %d %q", s.Len(), s.Count(isOK, isOK), s.Distinct(service), s.Worst(), n, ok, len(names), worst)
	}
	low, hasLow := s.Min(metric)
	high, hasHigh := s.Max(metric)
	if hasLow != (len(numbers) > 0) || hasLow != hasHigh || hasLow && (low != slices.Min(numbers) || high != slices.Max(numbers)) {
		t.Fatalf("min %v max %v of %v", low, high, numbers)
	}
	last := ""
	s.Events(func(ev *Event) bool {
		if ev.ID.Service <= last {
			t.Fatalf("%q after %q", ev.ID.Service, last)
		}
		last = ev.ID.Service
		return true
	})
}

func TestSumForgetsWhatWent(t *testing.T) {
	r := newRig(t, Options{})
	metric := FieldNamed("metric")
	read := func() float64 { sum, _ := r.index.Set("all", nil, -1).Sum(metric); return sum }
	read()
	r.send("small", "metric=0.1", "ttl=1000")
	for range 100 {
		r.send("big", "metric=1e300", "ttl=1000")
		r.send("big", "metric=-1e18", "ttl=1000")
	}
	r.send("big", "metric=0", "ttl=1000")
	if got := read(); math.Abs(got-0.1) > 1e-12 {
		t.Errorf("what is left of a sum of 0.1 and 0 is %v", got)
	}
}

func TestSumsThatAreTooLarge(t *testing.T) {
	r := newRig(t, Options{})
	metric := FieldNamed("metric")
	read := func() float64 { sum, _ := r.index.Set("all", nil, -1).Sum(metric); return sum }
	read()
	r.send("a", "metric=1e308")
	r.send("b", "metric=1e308")
	if got := read(); !math.IsInf(got, 1) {
		t.Errorf("the sum is %v", got)
	}
	r.send("b", "metric=1")
	r.send("a", "metric=2")
	if got := read(); got != 3 {
		t.Errorf("then it is %v, want 3", got)
	}
}

func TestUnusedSetsAreDropped(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "ttl=100000")
	s := r.index.Set("q", isOK, -1)
	if r.index.Set("q", isOK, -1) != s {
		t.Error("the same query gives the same set")
	}
	r.advance(1000)
	r.index.sets.dropUnused(r.now.Add(-unused))
	if len(r.index.sets.all) != 0 || len(r.ids.entry(Parts{Host: "h", Service: "a", Has: HasHost | HasService}).members()) != 0 {
		t.Error("nothing of the set is left")
	}
}

func TestOlderMeasuresMakeRoom(t *testing.T) {
	r := newRig(t, Options{})
	r.send("a", "metric=3")
	s := r.index.Set("all", nil, -1)
	for i := range maxMeasures + 10 {
		r.advance(0.001)
		p := &pred{match: func(e *Event) bool { return e.Metric == float64(i) }}
		want := 0
		if i == 3 {
			want = 1
		}
		if got := s.Count(p, p); got != want {
			t.Fatalf("count %d: got %d, want %d", i, got, want)
		}
	}
	r.send("a", "metric=4")
	if len(s.measures) > maxMeasures {
		t.Errorf("%d measures", len(s.measures))
	}
	if sum, _ := s.Sum(FieldNamed("metric")); sum != 4 {
		t.Errorf("sum %v, want 4", sum)
	}
}

func BenchmarkSetRead(b *testing.B) {
	e := New(Options{}, 0)
	metric := FieldNamed("metric")
	for i := range 100_000 {
		var p Parts
		p.SetService(fmt.Sprint("s", i))
		ev := Event{ID: e.ids.Loose(p)}
		ev.SetMetric(float64(i))
		e.Ingest(&ev)
	}
	b.ReportAllocs()
	for b.Loop() {
		s := e.index.Set("all", nil, -1)
		s.Count("ok", isOK)
		s.Sum(metric)
	}
}
