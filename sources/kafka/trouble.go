package kafka

import (
	"sync"

	"tocsin/engine"
	"tocsin/plugins/kafka"
)

// service is that of the events by which a source tells of itself.
const service = "tocsin kafka"

// maxTroubles bounds the troubles that are known at one time.
const maxTroubles = 1000

// troubles remembers what is wrong, so that an event tells of each trouble once
// when it begins and once when it is over. The log is told more often.
type troubles struct {
	log    *kafka.Log
	notice func(service, state, description string, attrs ...engine.Attr)

	mu   sync.Mutex
	what map[string]bool
}

func newTroubles(log *kafka.Log, in engine.Input) *troubles {
	return &troubles{log: log, notice: in.Notice, what: make(map[string]bool)}
}

// begin tells that something is wrong. what names the trouble. attrs go into the
// event and the log.
func (t *troubles) begin(what, description string, err error, attrs ...engine.Attr) {
	args := logArgs(attrs)
	if err != nil {
		err = kafka.Explain(err)
		args = append(args, "error", err)
	}
	t.log.Warn(description, args...)
	t.mu.Lock()
	known := t.what[what] || len(t.what) >= maxTroubles
	if !known {
		t.what[what] = true
	}
	t.mu.Unlock()
	if known {
		return
	}
	if err != nil {
		description += ": " + err.Error()
	}
	t.notice(service, "critical", description, attrs...)
}

// end tells that it is over, and reports whether it was there.
func (t *troubles) end(what, description string, attrs ...engine.Attr) bool {
	t.mu.Lock()
	known := t.what[what]
	delete(t.what, what)
	t.mu.Unlock()
	if known {
		t.log.Info(description, logArgs(attrs)...)
		t.notice(service, "ok", description, attrs...)
	}
	return known
}

// once tells of something that is over already.
func (t *troubles) once(what, detail string, attrs ...engine.Attr) {
	t.log.Warn(what, append(logArgs(attrs), "detail", detail)...)
	t.notice(service, "warning", what+": "+detail, attrs...)
}

func logArgs(attrs []engine.Attr) []any {
	var args []any
	for _, a := range attrs {
		args = append(args, a.Key, a.Value)
	}
	return args
}
