package journal

import (
	"fmt"
	"time"
)

// trouble tells of a disk that fails: at once, then now and then, and when it is
// over.
type trouble struct {
	journal *Journal
	last    time.Time // when it was told
	fails   bool      // there is trouble
	events  int       // that were not kept since it began
}

// troubleEvery is how often a failing disk is told of.
const troubleEvery = 30 * time.Second

func (t *trouble) add(err error, events int) {
	t.fails = true
	t.events += events
	if now := time.Now(); t.last.IsZero() || now.Sub(t.last) >= troubleEvery {
		t.last = now
		t.journal.options.Logger.Error("journal fails; events go on through the streams, but are not kept", "err", err, "events", t.events)
		t.journal.options.Notify("tocsin journal", fmt.Sprintf("the journal fails, %d events are not kept: %v", t.events, err))
	}
}

func (t *trouble) over() {
	if t.fails {
		t.journal.options.Logger.Info("journal works again", "unkept_events", t.events)
		t.fails, t.events = false, 0
	}
}
