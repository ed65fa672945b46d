package stream

import (
	"errors"
	"testing"

	"tocsin/engine"
)

func TestChanged(t *testing.T) {
	changed := func(key engine.Key, o ChangedOptions) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Changed(key, o), nil }
	}
	ok := engine.TextValue("ok")
	runBenchCases(t, []benchCase{
		{"passes when the state differs from the one before", changed(field("state"), ChangedOptions{}),
			"0 state=ok; 1 state=bad; 2 state=bad; 3 state=ok; 4 state=ok",
			"0 state=ok; 1 state=bad; 3 state=ok"},
		{"with init the first is compared", changed(field("state"), ChangedOptions{Init: ok, HasInit: true}),
			"0 state=ok; 1 state=bad; 2 state=ok", "1 state=bad; 2 state=ok"},
		{"absent is a value, and what it begins with", changed(field("state"), ChangedOptions{}),
			"0; 1 state=ok; 2; 3", "1 state=ok; 2"},
		{"a number is not its text", changed(field("metric"), ChangedOptions{Init: engine.TextValue("1"), HasInit: true}),
			"0 metric=1; 1 metric=1", "0 metric=1"},
		{"pairs: the first has none before it", changed(field("state"), ChangedOptions{Pairs: true}),
			"0 state=ok; 1 state=ok; 2 state=bad; 3 state=ok",
			"[none | 0 state=ok]; [1 state=ok | 2 state=bad]; [2 state=bad | 3 state=ok]"},
		{"pairs with init: before is the event that agreed with it", changed(field("state"), ChangedOptions{Init: ok, HasInit: true, Pairs: true}),
			"0 state=ok; 1 state=bad", "[0 state=ok | 1 state=bad]"},
		{"pairs with init: none before the first event", changed(field("state"), ChangedOptions{Init: ok, HasInit: true, Pairs: true}),
			"0 state=bad", "[none | 0 state=bad]"},
		{"an event without a usable key changes nothing", changed(failing{errors.New("no key")}, ChangedOptions{}),
			"0 metric=1; 1 metric=13; 2 metric=1; 3 metric=2", "0 metric=1; 3 metric=2"},
		{"each group by itself",
			func(s *Stream) (*Stream, error) {
				return byFields(t, s, "host").Changed(field("state"), ChangedOptions{}), nil
			},
			"0 host=a state=ok; 1 host=b state=ok; 2 host=a state=ok; 3 host=b state=bad",
			"0 host=a state=ok; 1 host=b state=ok; 3 host=b state=bad"},
	})
}

func TestRuns(t *testing.T) {
	runs := func(n int) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.Runs(n, field("state")) }
	}
	runBenchCases(t, []benchCase{
		{"the newest passes from the third alike on", runs(3),
			"0 state=a; 1 state=a; 2 state=b; 3 state=b; 4 state=b; 5 state=b; 6 state=a", "4 state=b; 5 state=b"},
		{"one is always a run of one", runs(1), "0 state=a; 1 state=b; 2", "0 state=a; 1 state=b; 2"},
		{"absent is alike to absent", runs(2), "0; 1; 2 state=a", "1"},
		{"an event without a usable key is not of the row",
			func(s *Stream) (*Stream, error) { return s.Runs(2, failing{errors.New("no key")}) },
			"0 metric=1; 1 metric=13; 2 metric=1", "2 metric=1"},
	})
	if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Runs(0, field("state")); err == nil {
		t.Error("runs of 0")
	}
}

func TestAtLeast(t *testing.T) {
	atLeast := func(k, n int) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.AtLeast(k, n, queried(t, "metric > 5")) }
	}
	runBenchCases(t, []benchCase{
		// Of the last three: 1, 2, 2, 2 (6,1,6), 1, 1, 1, 2, 3.
		{"two of the last three, and it holds now", atLeast(2, 3),
			"0 metric=6; 1 metric=6; 2 metric=1; 3 metric=6; 4 metric=1; 5 metric=1; 6 metric=6; 7 metric=7; 8 metric=8",
			"1 metric=6; 3 metric=6; 7 metric=7; 8 metric=8"},
		{"one of one is where", atLeast(1, 1), "0 metric=6; 1 metric=1; 2 metric=6", "0 metric=6; 2 metric=6"},
		{"all of two", atLeast(2, 2), "0 metric=6; 1 metric=1; 2 metric=6; 3 metric=6", "3 metric=6"},
		{"before n events: k of those so far", atLeast(2, 100), "0 metric=6; 1 metric=6", "1 metric=6"},
	})
	s := NewGraph(engine.New(engine.Options{}, 0)).Events()
	for _, c := range [][2]int{{0, 3}, {1, 0}, {3, 2}} {
		if _, err := s.AtLeast(c[0], c[1], queried(t, "metric > 5")); err == nil {
			t.Errorf("at_least of %d in %d", c[0], c[1])
		}
	}
}
