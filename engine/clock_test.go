package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// scripted is a system whose clock and whose time go as a test says.
type scripted struct {
	wall   Time
	passed time.Duration
}

func newScripted() (*scripted, *WallClock) {
	s := &scripted{wall: TimeOf(1e9)}
	return s, newWallClock(func() (Time, time.Duration) { return s.wall, s.passed })
}

// pass lets time pass, in which the system's clock goes on.
func (s *scripted) pass(d time.Duration) { s.wall, s.passed = s.wall.Add(d), s.passed+d }

// run is pass while the program runs.
func (s *scripted) run(c *WallClock, d time.Duration) {
	for ; d > 0; d -= beatEvery {
		s.pass(min(d, beatEvery))
		c.Beat()
	}
}

// set sets the system's clock.
func (s *scripted) set(d time.Duration) { s.wall = s.wall.Add(d) }

func TestWallClockReadings(t *testing.T) {
	const slept = "the clock went ahead: it was set, or the machine slept"
	for _, test := range []struct {
		name   string
		script func(s *scripted, c *WallClock)
		moved  time.Duration // from one reading to the next
		want   Reading       // but for Now
	}{
		{"time passes", func(s *scripted, c *WallClock) { s.run(c, 10*time.Second) }, 10 * time.Second, Reading{}},
		{"a turn of 9 s", func(s *scripted, c *WallClock) { s.run(c, 9*time.Second) }, 9 * time.Second, Reading{}},
		{"a turn of 1 min", func(s *scripted, c *WallClock) { s.run(c, time.Minute) }, time.Minute, Reading{Missed: 50 * time.Second, Cause: "the engine was held up"}},
		{"a beat is late", func(s *scripted, c *WallClock) { s.pass(1900 * time.Millisecond); c.Beat() }, 1900 * time.Millisecond, Reading{}},
		{"the program is stopped", func(s *scripted, c *WallClock) { s.run(c, time.Second); s.pass(5 * time.Second); s.run(c, time.Second) },
			7 * time.Second, Reading{Missed: 5*time.Second + beatEvery, Cause: "the program stood still"}},
		{"it is stopped, and the engine is the first to see it", func(s *scripted, c *WallClock) { s.pass(5 * time.Second) },
			5 * time.Second, Reading{Missed: 5 * time.Second, Cause: "the program stood still"}},
		{"it is stopped twice", func(s *scripted, c *WallClock) { s.pass(5 * time.Second); c.Beat(); s.pass(time.Minute); c.Beat() },
			65 * time.Second, Reading{Missed: 65 * time.Second, Cause: "the program stood still"}},
		{"the clock is set ahead", func(s *scripted, c *WallClock) { s.run(c, time.Second); s.set(3 * time.Hour) },
			3*time.Hour + time.Second, Reading{Missed: 3 * time.Hour, Cause: slept}},
		{"it is set ahead a little", func(s *scripted, c *WallClock) { s.set(time.Second) }, time.Second, Reading{}},
		{"it is set back a little", func(s *scripted, c *WallClock) { s.run(c, time.Second); s.set(-time.Second) }, 900 * time.Millisecond, Reading{Ahead: 900 * time.Millisecond}},
		{"it is set back", func(s *scripted, c *WallClock) { s.run(c, time.Second); s.set(-time.Hour) },
			900 * time.Millisecond, Reading{SetBack: time.Hour, Ahead: time.Hour - 100*time.Millisecond}},
		{"a virtual machine is paused, and its clock is right again", func(s *scripted, c *WallClock) { s.pass(5 * time.Second); s.set(time.Hour); c.Beat() },
			time.Hour + 5*time.Second, Reading{Missed: time.Hour + 5*time.Second, Cause: slept}},
		{"stopped while the clock was set back", func(s *scripted, c *WallClock) { s.pass(5 * time.Second); s.set(-time.Hour); c.Beat() },
			0, Reading{SetBack: time.Hour, Ahead: time.Hour - 5*time.Second}},
	} {
		s, c := newScripted()
		s.run(c, time.Second)
		before := c.Read().Now
		test.script(s, c)
		test.want.Now = before.Add(test.moved)
		if got := c.Read(); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
		s.run(c, time.Second)
		if got := c.Read(); got.Missed != 0 || got.SetBack != 0 {
			t.Errorf("%s: told again: %+v", test.name, got)
		}
	}
}

// TestWallClockCatchesUp: after it was set back by a minute it goes on a tenth slower
// for ten.
func TestWallClockCatchesUp(t *testing.T) {
	s, c := newScripted()
	before := c.Read().Now
	s.set(-time.Minute)
	for second := time.Duration(1); second <= 700; second++ {
		s.run(c, time.Second)
		want := before.Add(max(second*900*time.Millisecond, second*time.Second-time.Minute))
		if got := c.Read(); got.Now != want || got.Missed != 0 || got.Ahead != want.Sub(s.wall) {
			t.Fatalf("after %d s: %+v, want %v", second, got, want)
		}
	}
	if c.at != s.wall {
		t.Errorf("it stands %v ahead", c.at.Sub(s.wall))
	}
}

// TestWallClock: readings never fall, are never behind the system's clock, and what
// they say to have passed is what has passed, whatever the system's clock does.
func TestWallClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := newScripted()
		last := c.Read().Now
		for range rapid.IntRange(1, 30).Draw(t, "readings") {
			ran := time.Duration(rapid.IntRange(1, 9000).Draw(t, "ran")) * time.Millisecond
			s.run(c, ran)
			step := time.Duration(rapid.IntRange(-10_000, 10_000).Draw(t, "step")) * time.Millisecond
			s.set(step)
			got := c.Read()
			if got.Now < last || got.Now < s.wall || got.Ahead != got.Now.Sub(s.wall) {
				t.Fatalf("%+v after %v; the system's clock says %v", got, last, s.wall)
			}
			counts := got.Now.Sub(last) - got.Missed
			if off := counts - ran; off < -ran/10-1 || off >= leastPause {
				t.Fatalf("%v count of %v", counts, ran)
			}
			if (got.SetBack > 0) != (step <= -leastPause) {
				t.Fatalf("set back by %v after a step of %v", got.SetBack, step)
			}
			last = got.Now
		}
	})
}
