package engine

// Configure sets TTL, Forget, Skew, Identities and AutoIndex, where opts has
// them: for settings that are known only after streams were drawn on the
// engine. It must be called before events flow.
func (e *Engine) Configure(opts Options) {
	if opts.TTL > 0 {
		e.opts.TTL = opts.TTL
	}
	if opts.Forget > 0 {
		e.opts.Forget = opts.Forget
		e.index.sets = newSets(e.index, opts.Forget)
	}
	if opts.Skew > 0 {
		e.opts.Skew = opts.Skew
	}
	if opts.Identities > 0 {
		e.opts.Identities = opts.Identities
		if e.opts.Table == nil {
			e.ids.setLimit(opts.Identities)
		}
	}
	if opts.AutoIndex != nil {
		e.opts.AutoIndex = opts.AutoIndex
	}
}

func (t *Identities) setLimit(limit int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = limit
}
