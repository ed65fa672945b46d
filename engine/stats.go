package engine

// engineStats are the engine's own counters, kept as plain numbers by its
// goroutine and published now and then.
type engineStats struct {
	events, derived, expired, errors, rejected, skewed uint64
	rejectedAt                                         Time
}

func newEngineStats(e *Engine) engineStats { return engineStats{} }
