package rules

// Streams returns how many streams branch from events.
func (c *Config) Streams() int { return c.Graph.Len() }

// Rules returns how many rules are declared.
func (c *Config) Rules() int { return len(c.rules) }
