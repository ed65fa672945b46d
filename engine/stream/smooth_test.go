package stream

import (
	"errors"
	"testing"
	"time"

	"tocsin/engine"
)

func TestEWMA(t *testing.T) {
	halflife := func(d time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.EWMA(d) }
	}
	timeless := func(r float64) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.EWMATimeless(r) }
	}
	runBenchCases(t, []benchCase{
		{"begins at 0", halflife(time.Second), "0 metric=1", "0 metric=0.5"},
		{"by time, and late ones by their age", halflife(time.Second),
			"0 metric=1; 2 metric=1; 1 metric=1",
			"0 metric=0.5; 2 metric=0.625; 2 metric=0.875"},
		{"two at one time", halflife(time.Second), "0 metric=1; 0 metric=1", "0 metric=0.5; 0 metric=1"},
		{"without a metric", halflife(time.Second), "0 metric=1; 1 state=ok; 1 metric=0", "0 metric=0.5; 1 state=ok; 1 metric=0.25"},
		{"without a time it is now", halflife(time.Second), "0 metric=1; +2; - metric=1", "0 metric=0.5; - metric=0.625"},
		{"timeless 0", timeless(0), "0 metric=1; 0 metric=10; 0 metric=-100", "0 metric=0; 0 metric=0; 0 metric=0"},
		{"timeless 1", timeless(1), "0 metric=5; 0 metric=13; 0 metric=-10", "0 metric=5; 0 metric=13; 0 metric=-10"},
		{"timeless half", timeless(0.5), "0 metric=1; 9 metric=1; 0; 1 metric=1", "0 metric=0.5; 9 metric=0.75; 0; 1 metric=0.875"},
	})
}

func TestCounter(t *testing.T) {
	from := func(init float64) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Counter(init), nil }
	}
	runBenchCases(t, []benchCase{
		{"counts", from(0), "0 metric=1; 1; 2 metric=2", "0 metric=1; 1; 2 metric=3"},
		{"from init", from(500), "0 metric=1; 1 metric=-2", "0 metric=501; 1 metric=499"},
		{"reset", from(10), "0 metric=1; 1 metric=3 tags=x,reset; 2 tags=reset; 3 metric=1",
			"0 metric=11; 1 metric=3 tags=x,reset; 2 tags=reset; 3 metric=4"},
	})
}

func TestReduce(t *testing.T) {
	larger := func(acc, e *engine.Event) (engine.Event, bool, error) {
		switch {
		case e.Metric == 13:
			return engine.Event{}, false, errors.New("thirteen")
		case e.Metric < 0:
			return engine.Event{}, false, nil
		case e.Metric > acc.Metric:
			return *e, true, nil
		}
		return *acc, true, nil
	}
	in := "0 metric=4; 1 metric=3; 2 metric=-1; 3 metric=13; 4 metric=6"
	var init engine.Event
	runBenchCases(t, []benchCase{
		{"the first event seeds", func(s *Stream) (*Stream, error) { return s.Reduce(larger, nil), nil },
			in, "0 metric=4; 4 metric=6"},
		{"from init", func(s *Stream) (*Stream, error) {
			var c engine.Change
			init = c.New(s.graph.engine.Identities())
			init.SetMetric(5)
			return s.Reduce(larger, &init), nil
		}, in, "- metric=5; - metric=5; 4 metric=6"},
	})
}
