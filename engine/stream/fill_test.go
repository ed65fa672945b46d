package stream

import (
	"testing"

	"tocsin/engine"
)

func changeOf(t *testing.T, name string, v engine.Value) *engine.Change {
	t.Helper()
	var c engine.Change
	if err := c.Set(name, v); err != nil {
		t.Fatal(err)
	}
	return &c
}

func TestFill(t *testing.T) {
	zero := changeOf(t, "metric", engine.NumberValue(0))
	quiet := changeOf(t, "state", engine.TextValue("quiet"))
	runBenchCases(t, []benchCase{
		{"the given one, stops at an expired one", func(s *Stream) (*Stream, error) { return s.Fill(5*second, zero) },
			"+20; 20 host=a metric=1; 26 host=a metric=2; 26 metric=3; 34 metric=4 state=expired; 40 metric=5; +11",
			"20 host=a metric=1; 25 metric=0; 26 host=a metric=2; 26 metric=3; 31 metric=0; 34 state=expired metric=4; 40 metric=5; 45 metric=0; 50 metric=0"},
		{"by the clock", func(s *Stream) (*Stream, error) { return s.Fill(5*second, zero) },
			"+20; 3 metric=1; +5", "3 metric=1; 25 metric=0"},
		{"the last, changed", func(s *Stream) (*Stream, error) { return s.FillLast(5*second, quiet) },
			"0 host=a state=ok metric=1; +11; 12 host=b metric=2 ttl=1; 14 host=c state=expired; +20",
			"0 host=a state=ok metric=1; 5 host=a state=quiet metric=1; 10 host=a state=quiet metric=1; 12 host=b metric=2 ttl=1; 14 host=c state=expired"},
	})
}

func TestInterpolate(t *testing.T) {
	tenth := func(s *Stream) (*Stream, error) { return s.Interpolate(second / 10) }
	runBenchCases(t, []benchCase{
		{"the first at once, later ones at the next tick", tenth,
			"0 metric=1; 0.05 metric=2; 0.05 metric=3; +0.05",
			"0 metric=1; 0.1 metric=3"},
		{"repeats, until an expired one", tenth,
			"0 metric=1; 0.22 metric=2; 0.44 metric=3; 0.66 metric=4 state=expired; +1",
			"0 metric=1; 0.1 metric=1; 0.2 metric=1; 0.3 metric=2; 0.4 metric=2; 0.5 metric=3; 0.6 metric=3; 0.66 state=expired metric=4"},
		{"begins anew", tenth,
			"0 state=expired; 0.12 metric=2; 0.34 metric=3 state=expired; +0.12",
			"0 state=expired; 0.12 metric=2; 0.22 metric=2; 0.32 metric=2; 0.34 state=expired metric=3"},
		{"a ttl does not end it", tenth, "0 metric=1 ttl=0.05; +0.2", "0 metric=1 ttl=0.05; 0.1 metric=1 ttl=0.05; 0.2 metric=1 ttl=0.05"},
	})
}
