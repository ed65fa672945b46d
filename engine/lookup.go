package engine

// LookupKey is Lookup for an identity that may lack a host or a service: only
// those that p.Has names are there. Its tags and attributes are not looked at.
func (x *Index) LookupKey(p Parts) *Event {
	p.Has &= HasHost | HasService
	entry := x.engine.ids.entry(p)
	if entry == nil || !x.visible(entry) {
		return nil
	}
	return &entry.Event
}
