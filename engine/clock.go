package engine

import (
	"sync"
	"time"
)

// Clock reads the world's time for an engine that runs in production. The
// engine's own clock is Engine.Now: it moves to the largest reading so far.
type Clock interface {
	// Read returns the time now. It is called from the engine's goroutine only,
	// about once a second at least while that is not held up.
	Read() Reading
	// Beat is called every beatEvery while the program runs, from a goroutine that
	// does nothing else.
	Beat()
}

// Reading is what a Clock says.
type Reading struct {
	// Now is the time. It never falls from one reading to the next.
	Now Time
	// Missed is how much of the time since the reading before did not pass, or
	// passed while nobody could be heard: it does not count for what lives, see
	// Engine.Resume. Cause says why.
	Missed time.Duration
	Cause  string
	// SetBack is by how much the system's clock was set back since the reading
	// before, if that is much.
	SetBack time.Duration
	// Ahead is how far Now is ahead of the system's clock.
	Ahead time.Duration
}

const (
	// beatEvery is how often a Clock is shown that the program runs.
	beatEvery = 250 * time.Millisecond
	// leastPause is how long there is no beat when the program has not run. A
	// smaller step of the system's clock is followed as if the time had passed.
	leastPause = 2 * time.Second
	// longestTurn is how much of the time counts in which the engine was at one
	// piece of work, or waited for a disk or a sink.
	longestTurn = 10 * time.Second
)

// WallClock follows the system's clock. When that jumps ahead, it follows at
// once, and says how much of the time was missed. When it is set back, it goes on
// a tenth slower until the system's clock has caught up, so that nothing that
// rules wait for stands still, and rates stay about what they are.
type WallClock struct {
	system func() (wall Time, passed time.Duration) // passed goes on as time really does
	read   time.Duration                            // what had passed at the last reading
	wall   Time                                     // what the system's clock said then
	at     Time                                     // what that reading was

	mu    sync.Mutex
	beat  time.Duration // what had passed when the program last was seen to run
	stood time.Duration // for how long it did not run since the last reading
}

// NewWallClock returns a clock that reads now, which is time.Now outside tests.
func NewWallClock(now func() time.Time) *WallClock {
	began := now()
	return newWallClock(func() (Time, time.Duration) {
		t := now()
		return Time(t.UnixNano()), t.Sub(began)
	})
}

func newWallClock(system func() (Time, time.Duration)) *WallClock {
	c := &WallClock{system: system}
	c.wall, c.read = system()
	c.at, c.beat = c.wall, c.read
	return c
}

// NotBefore has the readings begin at t, if the system's clock stands before it:
// an engine that was loaded stands there. It is called before Run.
func (c *WallClock) NotBefore(t Time) { c.at = max(c.at, t) }

// Beat implements Clock.
func (c *WallClock) Beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, passed := c.system()
	c.runs(passed)
}

// runs notes that the program runs.
func (c *WallClock) runs(passed time.Duration) {
	if gap := passed - c.beat; gap >= leastPause {
		c.stood += gap
	}
	c.beat = max(c.beat, passed)
}

// Read implements Clock.
func (c *WallClock) Read() Reading {
	c.mu.Lock()
	wall, passed := c.system()
	c.runs(passed)
	stood := c.stood
	c.stood = 0
	c.mu.Unlock()

	since := max(passed-c.read, 0)
	held := max(since-stood-longestTurn, 0)
	counts := since - stood - held
	r := Reading{Now: max(wall, c.at.Add(counts-counts/10))}
	r.Ahead = r.Now.Sub(wall)
	if back := c.wall.Add(since).Sub(wall); back >= leastPause {
		r.SetBack = back
	}
	if missed := r.Now.Sub(c.at) - counts; missed >= leastPause {
		r.Missed, r.Cause = missed, cause(missed, stood, held)
	}
	c.read, c.wall, c.at = passed, wall, r.Now
	return r
}

// cause says what most of the time was missed for.
func cause(missed, stood, held time.Duration) string {
	switch {
	case stood >= missed/2:
		return "the program stood still"
	case held >= missed/2:
		return "the engine was held up"
	}
	return "the clock went ahead: it was set, or the machine slept"
}
