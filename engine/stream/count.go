package stream

// Len returns how many streams branch from Events.
func (g *Graph) Len() int { return len(g.events.out.next) }
