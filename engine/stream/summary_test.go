package stream

import (
	"errors"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"one event per point", func(s *Stream) (*Stream, error) { return s.Percentiles(10*second, []float64{0.5, 0.99}) },
			"1 service=x metric=3; 2 service=x metric=1; 3 service=y metric=2 ttl=5; 4 service=x state=expired metric=9; 5 service=x; +30",
			"10 service=y 0.5 metric=2 ttl=5; 10 service=x 0.99 metric=3"},
		{"of each dt", func(s *Stream) (*Stream, error) { return s.Percentiles(10*second, []float64{1}) },
			"1 metric=3; 10 metric=1; 25 metric=2; +5",
			"10 service= 1 metric=3; 20 service= 1 metric=1; 30 service= 1 metric=2"},
	})
}

func TestApdex(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"on the last event", func(s *Stream) (*Stream, error) {
			return s.Apdex(10*second, queried(t, "metric < 1"), queried(t, "metric < 4"))
		},
			"0 metric=0.5; 1 metric=0.5; 2 metric=2; 3 host=b metric=9; 4 metric=0 state=expired; +20; 25 metric=3; +5",
			"10 host=b metric=0.625; 30 metric=0.5"},
		{"an error counts for nothing", func(s *Stream) (*Stream, error) {
			return s.Apdex(10*second, failing{errors.New("thirteen")}, queried(t, "metric < 1"))
		},
			"0 metric=2; 1 metric=13; +10", "10 metric=1"},
	})
}

func TestPredict(t *testing.T) {
	of := func(n int, ahead time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Predict(n, ahead) }
	}
	runBenchCases(t, []benchCase{
		{"a line", of(3, 10*second),
			"0 metric=1; 1 metric=2; 2 metric=3; 3 host=a; 4 host=a metric=5; 6 metric=4",
			"1 metric=12; 2 metric=13; 4 host=a metric=15; 6 metric=7"},
		{"from one instant", of(5, second), "1 metric=1; 1 metric=2; 2 metric=2.5", "2 metric=3.5"},
		{"of one", of(1, second), "1 metric=1; 2 metric=2", ""},
		{"at the times of today", of(2, 60*second),
			"1700000000.5 metric=10; 1700000001 metric=11", "1.700000001e+09 metric=131"},
	})
}

func TestClockSkew(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"against the median", func(s *Stream) (*Stream, error) { return s.ClockSkew(), nil },
			// The clocks are ahead of the engine's by: a 0; a 0, b -2; then c -5
			// as well; then a -1, b -2, c -5.
			"10 host=a metric=7; 8 host=b; 5 host=c; +3; 12 host=a; - host=a; 3 service=x metric=1; 13 host=b state=expired; 13 host=c",
			"10 host=a metric=0; 8 host=b metric=-2; 5 host=c metric=-3; 12 host=a metric=1; - host=a; 3 service=x metric=1; 13 host=b state=expired; 13 host=c metric=0"},
		{"an expired host does not count", func(s *Stream) (*Stream, error) { return s.ClockSkew(), nil },
			"10 host=a ttl=5; 7 host=b ttl=100; +5; 10 host=b",
			"10 host=a metric=0 ttl=5; 7 host=b metric=-3 ttl=100; 10 host=b metric=0"},
	})
}
