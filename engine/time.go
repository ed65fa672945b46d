package engine

import (
	"math"
	"time"
)

// Time is an instant of the engine's clock or of an event: nanoseconds since
// 1970. Whole numbers keep ticks such as "every 0.1 s" exact and in order.
type Time int64

// Add returns t moved by d. It stops at the ends of the range.
func (t Time) Add(d time.Duration) Time {
	sum := t + Time(d)
	if d > 0 && sum < t {
		return math.MaxInt64
	}
	if d < 0 && sum > t {
		return math.MinInt64
	}
	return sum
}

// Sub returns t - u. It stops at the ends of the range.
func (t Time) Sub(u Time) time.Duration {
	d := time.Duration(t - u)
	switch {
	case t > u && d < 0:
		return math.MaxInt64
	case t < u && d > 0:
		return math.MinInt64
	}
	return d
}

// Seconds returns t as seconds since 1970, as rules and JSON show it.
func (t Time) Seconds() float64 { return nanosToSeconds(int64(t)) }

// Wall returns t as a time.Time in UTC.
func (t Time) Wall() time.Time { return time.Unix(0, int64(t)).UTC() }

// TimeOf turns seconds since 1970 into a Time, rounded to the nanosecond.
// Values outside the range of Time are cut to it; NaN gives 0.
func TimeOf(seconds float64) Time { return Time(secondsToNanos(seconds)) }

// Seconds turns a number of seconds into a duration, rounded to the
// nanosecond and cut to the range of time.Duration; NaN gives 0.
func Seconds(s float64) time.Duration { return time.Duration(secondsToNanos(s)) }

// InSeconds is the inverse of Seconds.
func InSeconds(d time.Duration) float64 { return nanosToSeconds(int64(d)) }

// secondsToNanos works on whole seconds and the rest apart, so that a time of
// today keeps all the digits that its float64 had.
func secondsToNanos(s float64) int64 {
	switch {
	case s != s:
		return 0
	case s >= 9.2e9:
		return math.MaxInt64
	case s <= -9.2e9:
		return math.MinInt64
	}
	whole, part := math.Modf(s)
	return int64(whole)*1e9 + int64(math.Round(part*1e9))
}

func nanosToSeconds(n int64) float64 {
	whole, part := n/1e9, n%1e9
	if part == 0 {
		return float64(whole)
	}
	// One division of an exact integer is rounded once only.
	if n < 1<<53 && n > -(1<<53) {
		return float64(n) / 1e9
	}
	return float64(whole) + float64(part)/1e9
}
