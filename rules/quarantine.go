package rules

import (
	"fmt"
	"time"

	"tocsin/engine"
)

// What sends a rule, or a function of a stream, into quarantine, and for how
// long: the first time, and at most.
const (
	failuresAllowed = 5 // in a row
	cutsAllowed     = 3 // in a row; each has held up the engine
	firstPause      = time.Second
	longestPause    = time.Minute
)

// quarantine keeps from running what keeps failing. It is over when a run goes
// well; a run that fails makes the pause twice as long. Its time is the
// engine's.
type quarantine struct {
	config         *Config
	name           string // of the rule, or FILE:LINE of the function
	failures, cuts int    // in a row
	pause          time.Duration
	until          engine.Time
}

// held reports whether it must not run now.
func (q *quarantine) held() bool { return q.pause > 0 && q.config.Engine.Now() < q.until }

// failed notes a run that failed, or was even cut off.
func (q *quarantine) failed(err error, cut bool) {
	q.failures++
	if cut {
		q.cuts++
	}
	if q.pause == 0 && q.failures < failuresAllowed && q.cuts < cutsAllowed {
		return
	}
	began := q.pause == 0
	q.pause = min(max(2*q.pause, firstPause), longestPause)
	q.until = q.config.Engine.Now().Add(q.pause)
	if began {
		q.tell("critical", fmt.Sprintf("%s failed %d times in a row, and runs again after pauses of 1 to %.0f s until it goes well; the last error: %v",
			q.name, q.failures, longestPause.Seconds(), err))
	}
}

// succeeded notes a run that went well.
func (q *quarantine) succeeded() {
	q.failures, q.cuts = 0, 0
	if q.pause > 0 {
		q.pause = 0
		q.tell("ok", q.name+" goes well again")
	}
}

// succeed goes on with the quarantine of the rule of that name in an older
// configuration.
func (q *quarantine) succeed(old *quarantine) {
	q.failures, q.cuts, q.pause, q.until = old.failures, old.cuts, old.pause, old.until
	if q.pause > 0 {
		q.show()
	}
}

// show puts the quarantine into the metrics.
func (q *quarantine) show() {
	in := 0.0
	if q.pause > 0 {
		in = 1
	}
	q.config.Metrics.GetOrCreateGauge(fmt.Sprintf("tocsin_rule_quarantined{rule=%q}", q.name), nil).Set(in)
}

// tell says that the quarantine begins or is over, by an event and in the
// metrics.
func (q *quarantine) tell(state, description string) {
	q.show()
	q.config.Engine.Notice("tocsin rule", state, description, engine.Attr{Key: "rule", Value: q.name})
}
