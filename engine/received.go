package engine

// Received returns how many events each source has handed in, by its name.
func (r *Runner) Received() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	received := make(map[string]uint64, len(r.inputs))
	for _, in := range r.inputs {
		received[in.Name] = in.events.Get()
	}
	return received
}
