package rules

// Streams returns how many streams branch from events.
func (c *Config) Streams() int { return c.Graph.Len() }

// Rules returns where each rule is declared, as "FILE:LINE", by its name.
func (c *Config) Rules() map[string]string {
	places := make(map[string]string, len(c.rules))
	for name, r := range c.rules {
		places[name] = r.pos
	}
	return places
}
