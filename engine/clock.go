package engine

import "time"

// Clock reads the world's time for an engine that runs in production. The
// engine's own clock is Engine.Now: it moves to the largest reading so far.
type Clock interface {
	// Read returns the time now. Readings never fall. It is called from the
	// engine's goroutine only.
	Read() Time
}

// WallClock follows the system's clock, which may be set back: then it goes
// on at half speed until the system's clock has caught up, so that nothing
// that rules wait for stands still. When the system's clock jumps ahead, it
// follows at once.
type WallClock struct {
	now  func() time.Time
	last time.Time // carries the monotonic reading
	at   Time
}

// NewWallClock returns a clock that reads now, which is time.Now outside tests.
func NewWallClock(now func() time.Time) *WallClock {
	t := now()
	return &WallClock{now: now, last: t, at: Time(t.UnixNano())}
}

// NotBefore has the readings begin at t, if the system's clock stands before it:
// an engine that was loaded stands there. It is called before the first Read.
func (c *WallClock) NotBefore(t Time) { c.at = max(c.at, t) }

// Read implements Clock.
func (c *WallClock) Read() Time {
	t := c.now()
	wall := Time(t.UnixNano())
	if wall < c.at {
		wall = c.at.Add(max(t.Sub(c.last), 0) / 2)
	}
	c.last, c.at = t, wall
	return wall
}
