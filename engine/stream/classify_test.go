package stream

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func TestClassify(t *testing.T) {
	classify := func(rest string, hasRest bool, cases ...string) func(s *Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) {
			var list []Case
			for i := 0; i < len(cases); i += 2 {
				list = append(list, Case{cases[i], queried(t, cases[i+1])})
			}
			return s.Classify(list, rest, hasRest)
		}
	}
	runBenchCases(t, []benchCase{
		{"the first case that holds wins", classify("ok", true, "critical", "metric > 9", "warning", "metric > 5"),
			"0 metric=10; 1 metric=9; 2 metric=5 state=bad; 3",
			"0 state=critical metric=10; 1 state=warning metric=9; 2 state=ok metric=5; 3 state=ok"},
		{"without a rest the state is left", classify("", false, "major", "metric > 9"),
			"0 metric=10 state=x; 1 metric=9 state=x; 2", "0 state=major metric=10; 1 state=x metric=9; 2"},
		{"an empty rest is a state", classify("", true, "major", "metric > 9"), "0 state=x", "0 state="},
	})
	if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Classify(nil, "ok", true); err == nil {
		t.Error("classify without a case")
	}
}

func limits(warning, critical float64) Threshold {
	return Threshold{Warning: &warning, Critical: &critical, Hits: 1}
}

func TestThreshold(t *testing.T) {
	both := limits(80, 95)
	below := limits(20, 5)
	below.Below = true
	hysteresis := limits(80, 95)
	hysteresis.Hysteresis = 5
	belowHysteresis := below
	belowHysteresis.Hysteresis = 5
	hits := limits(80, 95)
	hits.Hits = 3
	hitsHysteresis := hits
	hitsHysteresis.Hysteresis = 5
	wide := limits(80, 82)
	wide.Hysteresis = 5
	onlyCritical, onlyWarning := both, both
	onlyCritical.Warning, onlyWarning.Critical = nil, nil
	for _, c := range []struct {
		name     string
		o        Threshold
		in, want string // metrics, "-" for none; states by their first letters
	}{
		{"beyond is above the limit, not at it", both, "80 80.1 95 95.1 95 80", "o w w c w o"},
		{"below turns it around", below, "20 19 5 4 5 20", "o w w c w o"},
		{"only critical", onlyCritical, "90 96 95", "o c o"},
		{"only warning", onlyWarning, "96 80", "w o"},
		{"a state is left only when the metric is back by hysteresis", hysteresis, "81 76 75 81 75.1", "w w o w w"},
		{"back from critical goes to warning, which still holds", hysteresis, "96 91 90 76 75", "c c w w o"},
		{"down to warning below its limit: it holds by the same measure", hysteresis, "96 78", "c w"},
		{"straight from critical to ok", hysteresis, "96 75", "c o"},
		// Critical is left at 77 only, and there warning, left at 75, still holds.
		{"limits closer than the hysteresis", wide, "83 78 77 76 75", "c c w w o"},
		{"hysteresis below", belowHysteresis, "4 9 10 24 25", "c c w w o"},
		{"taken after three hits in a row", hits, "81 81 81 79 81 81 79 81", "o o w o o o o o"},
		{"a worse hit counts for the lesser state", hits, "81 96 81", "o o w"},
		{"hits for critical count while warning is on", hits, "81 81 81 96 96 96 96", "o o w w w c c"},
		{"three at once worse: straight to critical", hits, "96 96 96", "o o c"},
		{"an event without a metric breaks no row and is unchanged", hits, "81 - 81 - 81", "o - o - w"},
		{"hits delay only the way up", hits, "96 96 96 81 79", "o o c w o"},
		{"a row that hysteresis keeps on is not a row of hits", hitsHysteresis, "81 81 81 78 96 96 96", "o o w w w w c"},
		{"the state begins as ok", both, "- 1", "- o"},
		{"a metric that is no number calls for nothing and leaves nothing", both, "NaN 96 NaN 1", "o c c o"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, func(s *Stream) (*Stream, error) { return s.Threshold(c.o) })
			var want string
			for i, word := range strings.Fields(c.in) {
				if word == "-" {
					playBench(t, b, "0 state=own")
				} else {
					playBench(t, b, "0 metric="+word)
				}
				want += map[string]string{"o": "ok", "w": "warning", "c": "critical", "-": "own"}[strings.Fields(c.want)[i]] + ";"
			}
			var got []string
			for _, m := range b.got {
				got = append(got, m.Events[0].State)
			}
			wantItems(t, got, want)
		})
	}
}

func TestThresholdArguments(t *testing.T) {
	negative, noHits, noLimits := limits(1, 2), limits(1, 2), Threshold{Hits: 1}
	negative.Hysteresis = -1
	noHits.Hits = 0
	for name, o := range map[string]Threshold{"negative hysteresis": negative, "no hits": noHits, "no limits": noLimits} {
		if _, err := NewGraph(engine.New(engine.Options{}, 0)).Events().Threshold(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestThresholdIsByGroup: each group has its own state.
func TestThresholdIsByGroup(t *testing.T) {
	o := limits(80, 95)
	o.Hits = 2
	runBenchCases(t, []benchCase{{"hits are counted apart",
		func(s *Stream) (*Stream, error) { return byFields(t, s, "host").Threshold(o) },
		"0 host=a metric=81; 0 host=b metric=81; 1 host=a metric=81",
		"0 host=a state=ok metric=81; 0 host=b state=ok metric=81; 1 host=a state=warning metric=81"}})
}

// TestThresholdLaws: with one hit, the state is never less than what the metric
// calls for, and above that only within the hysteresis.
func TestThresholdLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := limits(10, 20)
		o.Hysteresis = float64(rapid.IntRange(0, 15).Draw(rt, "hysteresis"))
		b := newBench(t, func(s *Stream) (*Stream, error) { return s.Threshold(o) })
		worst := map[string]int{"ok": 0, "warning": 1, "critical": 2}
		calls := func(m float64) int {
			switch {
			case m > 20:
				return 2
			case m > 10:
				return 1
			}
			return 0
		}
		for _, m := range rapid.SliceOfN(rapid.IntRange(0, 30), 1, 30).Draw(rt, "metrics") {
			b.got = nil
			b.send(b.ev(0, float64(m)))
			got := worst[b.got[0].Events[0].State]
			if least, most := calls(float64(m)), calls(float64(m)+o.Hysteresis); got < least || got > most {
				rt.Fatalf("metric %d gave level %d, want %d to %d", m, got, least, most)
			}
		}
	})
}
