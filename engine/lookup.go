package engine

// LookupKey is Lookup for an identity that may lack a host or a service: only
// those that p.Has names are there. Its tags and attributes are not looked at.
func (x *Index) LookupKey(p Parts) *Event {
	p.Has &= HasHost | HasService
	id := x.engine.ids.lookup(p)
	if id == nil || id.entry == nil || !x.visible(id.entry) {
		return nil
	}
	return &id.entry.Event
}
