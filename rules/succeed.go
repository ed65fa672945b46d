package rules

// Succeed starts c and has it go on where old, which runs, stands: the index,
// the clock and the counters stay, and state moves to what has the same
// identity, the name of the rule, the path of the operator, the group. It
// returns how many pieces of state there is no place for any more. c was loaded
// with Before. old is to be closed, and of no other use. Engine's goroutine
// only, between two events; Runner.Swap is where to call it.
func (c *Config) Succeed(old *Config) (dropped int) {
	dropped = c.Graph.Succeed(old.Graph, c.Start)
	for name, r := range c.rules {
		if before := old.rules[name]; before != nil {
			r.succeed(before)
		}
	}
	c.kept.level = old.kept.level
	return dropped
}

// succeed goes on with what was counted of the rule in an older configuration,
// and with its quarantine.
func (r *rule) succeed(old *rule) {
	r.evaluations.Set(old.evaluations.Get())
	r.skipped.Set(old.skipped.Get())
	r.quarantine.succeed(&old.quarantine)
}
