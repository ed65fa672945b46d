package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMeter: time goes to whom it belongs, and nowhere outside of spans.
func TestMeter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter()
		var outer, inner time.Duration
		time.Sleep(time.Hour)
		o := m.Enter(&outer, 10)
		time.Sleep(1 * time.Millisecond)
		i := m.Enter(&inner, 1)
		time.Sleep(2 * time.Millisecond)
		nobody := m.Enter(nil, 0)
		if m.Active() {
			t.Error("what is nobody's is measured")
		}
		time.Sleep(4 * time.Millisecond)
		m.Leave(nobody)
		m.Leave(i)
		time.Sleep(3 * time.Millisecond)
		m.Leave(o)
		time.Sleep(time.Hour)
		if outer != 40*time.Millisecond || inner != 2*time.Millisecond || m.Active() {
			t.Errorf("outer %v, inner %v, active %v", outer, inner, m.Active())
		}
	})
}

// TestPauseIsNoSample: a pause of the program within a sample does not count a
// thousand times, but what takes long by itself counts in full.
func TestPauseIsNoSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter()
		for _, c := range []struct {
			took   time.Duration
			weight uint64
			want   time.Duration
		}{
			{time.Microsecond, 1000, time.Millisecond},
			{20 * time.Millisecond, 1000, longestSample},
			{time.Second, 1000, time.Second},
			{time.Second, 1, time.Second},
		} {
			var account time.Duration
			s := m.Enter(&account, c.weight)
			time.Sleep(c.took)
			m.Leave(s)
			if account != c.want {
				t.Errorf("%v, %d times: %v, want %v", c.took, c.weight, account, c.want)
			}
		}
	})
}

// TestSampler: the first events are measured one by one, later ones the more
// seldom the cheaper they are, and the weights add up to all that came.
func TestSampler(t *testing.T) {
	for _, c := range []struct {
		name        string
		took        time.Duration
		least, most int // samples of 100,000 events
		early       int // the event before which ten are measured
	}{
		{"cheap", 100 * time.Nanosecond, 100, 500, 10},
		{"dear", 100 * time.Microsecond, 15_000, 35_000, 10},
		{"very dear", time.Second, 100_000, 100_000, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMeter()
				var s Sampler
				samples, weights := 0, uint64(0)
				for n := range 100_000 {
					if !s.Due() {
						continue
					}
					sample := m.Begin(&s)
					time.Sleep(c.took)
					m.End(&s, sample)
					samples, weights = samples+1, weights+sample.Weight
					if samples == 10 && n >= c.early {
						t.Errorf("the tenth sample is event %d", n)
					}
				}
				if samples < c.least || samples > c.most {
					t.Errorf("%d samples", samples)
				}
				if s.Came() != 100_000 || weights > 100_000 || weights < 95_000 {
					t.Errorf("%d came, the samples stand for %d", s.Came(), weights)
				}
			})
		})
	}
}
