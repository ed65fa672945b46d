package engine

// What replays recorded events needs of an engine beyond Ingest.

// Tagged returns a view of the table that adds tags to every identity made
// through it, as the option "tags" of a source does.
func (t *Identities) Tagged(tags []string) *Identities { return t.tagged(tags) }

// IngestThrough is Ingest for an event of a source that has a stream of its
// own: the event passes that stream, which indexes what it lets through.
func (e *Engine) IngestThrough(ev *Event, through Handler) {
	e.arrive(ev)
	through.Handle(ev)
	e.drain()
}

// Admit is Ingest for an event that the stream of a source let through. It is
// called within IngestThrough; what it costs is not that stream's.
func (e *Engine) Admit(ev *Event) {
	if e.meter.Active() {
		defer e.meter.Leave(e.meter.Enter(nil, 0))
	}
	e.Ingest(ev)
}
