package stream

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/engine"
)

func rateEvery(dt time.Duration) func(*Stream) (*Stream, error) {
	return func(s *Stream) (*Stream, error) { return s.Rate(dt) }
}

func TestRate(t *testing.T) {
	runBenchCases(t, []benchCase{
		{"sum of a tick", rateEvery(time.Second),
			"0 metric=1; 0 metric=3; +1",
			"1 metric=4 ttl=60"},
		{"divided by dt", rateEvery(4 * time.Second),
			"0 metric=1; 3.5 metric=3; +0.5",
			"4 metric=1 ttl=60"},
		{"an event at a tick counts for the next", rateEvery(time.Second),
			"0 metric=1; 1 metric=2; +1",
			"1 metric=1 ttl=60; 2 metric=2 ttl=60"},
		{"on the last event with a metric", rateEvery(time.Second),
			"0 service=foo metric=1; 0.5 service=bar state=ok metric=2; 0.7 service=none; +0.3",
			"1 service=bar state=ok metric=3 ttl=60"},
		{"ttl falls while idle, and ends it", rateEvery(time.Second),
			"0 metric=1 ttl=3; +9",
			"1 metric=1 ttl=3; 2 metric=0 ttl=2; 3 metric=0 ttl=1"},
		{"ttl stays while events come", rateEvery(time.Second),
			"0 metric=1; 0.5 metric=1; 1 metric=1 ttl=3; +2; 3 state=expired",
			"1 metric=2 ttl=60; 2 metric=1 ttl=3; 3 metric=0 ttl=2"},
		{"a ttl shorter than dt loses nothing", rateEvery(5 * time.Second),
			"0 metric=10 ttl=1; +20",
			"5 metric=2 ttl=1"},
		{"an expired event ends it, the next begins anew", rateEvery(time.Second),
			"0 metric=5; 0.2 state=expired; +0.9; 1.5 metric=2 ttl=1; +3",
			"2 metric=2 ttl=1"},
		{"begins anew after its end, at the old ticks", rateEvery(2 * time.Second),
			"0 metric=2 ttl=1; +4.5; 5 metric=6 ttl=2; +9",
			"2 metric=1 ttl=1; 6 metric=3 ttl=2"},
		{"an event without a metric keeps it going", rateEvery(time.Second),
			"0 metric=1 ttl=2; 1.5 ttl=2; +9",
			"1 metric=1 ttl=2; 2 metric=0 ttl=2; 3 metric=0 ttl=1"},
		{"nothing without a metric", rateEvery(time.Second), "0 host=a; +5", ""},
		{"windows begin at the group's first event", func(s *Stream) (*Stream, error) {
			s, err := s.By(field("host"))
			if err != nil {
				return nil, err
			}
			return s.Rate(time.Second)
		},
			"0 host=a metric=1 ttl=1; 0.25 host=b metric=2 ttl=1; +5",
			"1 host=a metric=1 ttl=1; 1.25 host=b metric=2 ttl=1"},
	})
}

// TestRateSums: whatever comes in between, all ticks together give all metrics.
func TestRateSums(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dt := time.Duration(rapid.IntRange(1, 50).Draw(rt, "dt")) * 100 * time.Millisecond
		b := newBench(t, rateEvery(dt))
		sent := 0.0
		for range rapid.IntRange(1, 60).Draw(rt, "events") {
			b.advance(float64(rapid.IntRange(0, 100).Draw(rt, "wait")) / 10)
			m := float64(rapid.IntRange(-100, 100).Draw(rt, "metric"))
			e := b.ev(b.engine.Now().Seconds(), m)
			e.SetTTL(time.Duration(rapid.IntRange(0, 20).Draw(rt, "ttl")) * time.Second)
			b.send(e)
			sent += m
		}
		b.advance(200)
		got, last := 0.0, engine.Time(0)
		for _, m := range b.got {
			e := m.Events[0]
			if e.Time%engine.Time(dt) != 0 || e.Time <= last && last > 0 || e.Arrival != e.Time || e.TTL < 0 {
				rt.Fatalf("a tick at %v with ttl %v, after one at %v", e.Time, e.TTL, last)
			}
			got, last = got+e.Metric*dt.Seconds(), e.Time
		}
		if math.Abs(got-sent) > 1e-6 {
			rt.Fatalf("the ticks give %v in all, want %v", got, sent)
		}
	})
}

// TestRateEngine: on a whole engine, an expiry ends a rate and frees its group.
func TestRateEngine(t *testing.T) {
	r := newRig(t, engine.Options{}, func(r *rig, events *Stream) {
		s, err := byFields(t, events, "host").Rate(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		r.tap("", s)
	})
	r.play("10 host=a service=x metric=4 ttl=2.5; +10")
	r.want("11 host=a service=x metric=4 ttl=2.5; 12 host=a service=x metric=0 ttl=1.5")
	r.play("30.5 host=a service=x metric=3 ttl=1.5; +10")
	r.want("31.5 host=a service=x metric=3 ttl=1.5")
}

// TestRateReplay: when a replay sets the clock, the windows begin anew.
func TestRateReplay(t *testing.T) {
	b := newBench(t, rateEvery(10*time.Second))
	b.engine.StartAt(engine.TimeOf(1003))
	playBench(t, b, "1003 metric=10 ttl=1; +50; 1060 metric=20 ttl=1; +50")
	wantItems(t, b.shown(), "1013 metric=1 ttl=1; 1063 metric=2 ttl=1")
}

func TestDDT(t *testing.T) {
	immediate := func(s *Stream) (*Stream, error) { return s.DDT(), nil }
	every := func(dt time.Duration) func(*Stream) (*Stream, error) {
		return func(s *Stream) (*Stream, error) { return s.DDTEvery(dt) }
	}
	runBenchCases(t, []benchCase{
		{"event to event", immediate,
			"0 metric=0; 1 metric=0; 2 metric=2; 4 metric=-4",
			"1 metric=0; 2 metric=2; 4 metric=-3"},
		{"without metric, and at the same time", immediate,
			"0; 1 metric=1; 1 metric=5; 2; 3 metric=1",
			"3 metric=-2"},
		{"every dt, one per interval", every(time.Second),
			"0 metric=-1; 0.99 metric=0.98; 1.5 metric=2; +0.5",
			"1 metric=2; 2 metric=2"},
		{"the first interval without another event gives 0", every(time.Second),
			"0 metric=7 ttl=2; +9",
			"1 metric=0 ttl=2; 2 metric=0 ttl=2"},
		{"many per interval: the last counts", every(time.Second),
			"0 metric=-1; 0.5 metric=100; 0.75 metric=2; 1 metric=1; 1.5; 1.75 metric=-3; +0.25",
			"1 metric=4; 2 metric=-5"},
		{"zero until an expired event when there is no ttl", every(40 * time.Second),
			"0 metric=7; +125; 130 state=expired; +90",
			"40 metric=0; 80 metric=0; 120 metric=0"},
		{"zero when idle", every(2 * time.Second),
			"0 metric=0; 1 metric=1; 3 metric=2; +3",
			"2 metric=1; 4 metric=0.5; 6 metric=0"},
		{"an expired event ends it", every(time.Second),
			"0 metric=1; 0.5 state=expired; +5; 5.25 metric=1; 5.75 metric=2; +0.25",
			"6 metric=2"},
	})
}
