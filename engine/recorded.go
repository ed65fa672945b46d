package engine

// TaggedIdentities returns a view of the table of identities that adds tags to
// what is made through it, as for a source that has them.
func (e *Engine) TaggedIdentities(tags []string) *Identities { return e.ids.tagged(tags) }

// IngestAs takes an event as if the source that in belongs to had sent it: for
// recordings. The tags of in are not added: the event's identity was made with
// TaggedIdentities.
func (e *Engine) IngestAs(in *InputOptions, ev *Event) {
	if in.TTL > 0 && ev.Has&HasTTL == 0 {
		ev.SetTTL(in.TTL)
	}
	if in.Through == nil {
		e.Ingest(ev)
		return
	}
	e.arrive(ev)
	in.Through.Handle(ev)
	e.drain()
}
