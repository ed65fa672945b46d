package engine

// Notice queues an event by which Tocsin tells of itself, tagged "tocsin" and
// "error": it goes through the streams without being indexed. It is called on
// the engine's goroutine.
func (e *Engine) Notice(service, state, description string, attrs ...Attr) {
	ev := e.trouble(service, description, MaxDepth, attrs)
	ev.SetState(state)
	e.enqueue(queued{ev, true})
}
