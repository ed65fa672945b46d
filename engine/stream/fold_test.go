package stream

import (
	"errors"
	"strings"
	"testing"

	"tocsin/engine"
)

func TestFold(t *testing.T) {
	const (
		some  = "[none | 1 host=a | 2 host=b metric=4 | 3 host=c metric=2 | 4 host=d metric=4 | 5 host=e metric=2]"
		no    = "[1 host=a | 2 host=b]"
		empty = "[]"
		nones = "[none | none]"
	)
	for _, c := range []struct{ name, some, no, empty string }{
		{"sum", "1 host=a metric=12", "1 host=a metric=0", ""},
		{"product", "1 host=a metric=64", "1 host=a metric=1", ""},
		{"mean", "1 host=a metric=3", "", ""},
		{"median", "1 host=a metric=4", "", ""},
		{"stddev", "1 host=a metric=1", "", ""},
		{"mode", "1 host=a metric=4", "", ""},
		{"min", "5 host=e metric=2", "", ""},
		{"max", "4 host=d metric=4", "", ""},
		{"count", "1 host=a metric=5", "1 host=a metric=2", "- metric=0"},
	} {
		build := func(s *Stream) (*Stream, error) { return s.Fold(c.name) }
		runBenchCases(t, []benchCase{
			{c.name + " of some", build, some, c.some},
			{c.name + " without metrics", build, no, c.no},
			{c.name + " of nothing", build, empty, c.empty},
			{c.name + " of none", build, nones, c.empty},
		})
	}
}

func TestFoldFunc(t *testing.T) {
	longest := func(events []engine.Event) (engine.Event, bool, error) {
		switch len(events) {
		case 0:
			return engine.Event{}, false, errors.New("empty")
		case 1:
			return engine.Event{}, false, nil
		}
		return events[1], true, nil
	}
	runBenchCases(t, []benchCase{
		{"fold by a function", func(s *Stream) (*Stream, error) { return s.FoldFunc(longest), nil },
			"[]; [0 metric=1]; [0 metric=1 | 0 metric=2]", "0 metric=2"},
	})
}

func TestSortedSample(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"by metric", func(s *Stream) (*Stream, error) { return s.SortedSample([]float64{0, 0.5, 0.95, 1}) },
			"[2 service=x metric=3 | none | 1 service=x metric=2 | 3 service=y metric=9 | 4 service=z]; []; [0 service=q]",
			"1 service=x 0 metric=2; 2 service=x 0.5 metric=3; 3 service=y 0.95 metric=9; 3 service=y 1 metric=9"},
	})
}

func TestFlatten(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"flatten", func(s *Stream) (*Stream, error) { return s.Flatten(), nil },
			"[0 metric=1 | none | 0 metric=2]; []; 3 metric=4", "0 metric=1; 0 metric=2; 3 metric=4"},
	})
}

// TestLists: an operator that takes events names flatten when it gets a list,
// and one that takes lists names a window when it gets an event.
func TestLists(t *testing.T) {
	for _, c := range []struct {
		build func(*Stream) (*Stream, error)
		in    string
		want  string
	}{
		{func(s *Stream) (*Stream, error) { return s.Rate(second) }, "[0 host=a metric=1]", "flatten"},
		{func(s *Stream) (*Stream, error) { return s.Fold("sum") }, "0 host=a metric=1", "window"},
	} {
		var failure string
		b := newBench(t, func(s *Stream) (*Stream, error) {
			s, err := c.build(s)
			if err != nil {
				return nil, err
			}
			passed, failed := s.Catch()
			failed.Tap(func(m engine.Message) error { failure = m.Events[0].Description; return nil })
			return passed, nil
		})
		playBench(t, b, c.in)
		if len(b.got) > 0 || !strings.Contains(failure, c.want) {
			t.Errorf("%s: got %v and %q, want an error that names %s", c.in, b.shown(), failure, c.want)
		}
	}
}

// TestArguments: what makes no sense is refused when the stream is made.
func TestArguments(t *testing.T) {
	ok := queried(t, `metric < 1`)
	for name, build := range map[string]func(*Stream) (*Stream, error){
		"rate":                    func(s *Stream) (*Stream, error) { return s.Rate(0) },
		"ddt":                     func(s *Stream) (*Stream, error) { return s.DDTEvery(-second) },
		"ewma":                    func(s *Stream) (*Stream, error) { return s.EWMA(0) },
		"ewma_timeless":           func(s *Stream) (*Stream, error) { return s.EWMATimeless(nan) },
		"throttle needs an n":     func(s *Stream) (*Stream, error) { return s.Throttle(0, second) },
		"throttle needs a dt":     func(s *Stream) (*Stream, error) { return s.Throttle(1, 0) },
		"rollup":                  func(s *Stream) (*Stream, error) { return s.Rollup(0, second) },
		"batch":                   func(s *Stream) (*Stream, error) { return s.Batch(1, 0) },
		"coalesce":                func(s *Stream) (*Stream, error) { return s.Coalesce(0) },
		"sample":                  func(s *Stream) (*Stream, error) { return s.Sample(0) },
		"moving_window":           func(s *Stream) (*Stream, error) { return s.MovingWindow(0) },
		"fixed_window":            func(s *Stream) (*Stream, error) { return s.FixedWindow(0) },
		"moving_time_window":      func(s *Stream) (*Stream, error) { return s.MovingTimeWindow(0) },
		"fixed_time_window":       func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(0, FixedTime{}) },
		"a late of at least 0":    func(s *Stream) (*Stream, error) { return s.FixedTimeWindow(1, FixedTime{Late: -1}) },
		"project":                 func(s *Stream) (*Stream, error) { return s.Project() },
		"no fold \"summe\"":       func(s *Stream) (*Stream, error) { return s.Fold("summe") },
		"sorted_sample":           func(s *Stream) (*Stream, error) { return s.SortedSample(nil) },
		"percentiles needs a dt":  func(s *Stream) (*Stream, error) { return s.Percentiles(0, []float64{1}) },
		"points from 0 to 1":      func(s *Stream) (*Stream, error) { return s.Percentiles(second, []float64{95}) },
		"apdex needs a dt":        func(s *Stream) (*Stream, error) { return s.Apdex(0, ok, ok) },
		"satisfied and tolerated": func(s *Stream) (*Stream, error) { return s.Apdex(second, ok, nil) },
		"predict":                 func(s *Stream) (*Stream, error) { return s.Predict(0, second) },
		"fill needs":              func(s *Stream) (*Stream, error) { return s.Fill(0, nil) },
		"fill_last needs":         func(s *Stream) (*Stream, error) { return s.FillLast(0, nil) },
		"interpolate":             func(s *Stream) (*Stream, error) { return s.Interpolate(0) },
	} {
		g := NewGraph(engine.New(engine.Options{Bare: true}, 0))
		if _, err := build(g.Head()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
