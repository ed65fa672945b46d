package stream

import "time"

// Worker is an operator, as one that may be busy.
type Worker struct {
	// Name is the operator's name, such as "where"; "" for a head and for what
	// Every has called.
	Name string
	Site Site
	// Path tells it from all others, also in another graph that is drawn alike.
	Path string
	// Head is set for Events and for what Head made.
	Head bool
	// Begin is the number of the operator that its stream begins with, which a
	// head feeds; From is the number of that head. Both are -1 where there is
	// none.
	Begin, From int
	// Depth is how many operators stand between the head and it.
	Depth int
	// Outs are the names of the streams behind it, if there are several.
	Outs []string
}

// Workers returns all operators, by their numbers. It may be called on any
// goroutine once the graph has been started.
func (g *Graph) Workers() []Worker {
	list := make([]Worker, len(g.operators))
	for i, op := range g.operators {
		n := op.base()
		w := Worker{Name: n.name, Site: n.site, Path: n.path, Begin: -1, From: -1}
		switch _, w.Head = op.(*head); {
		case w.Head || len(n.froms) == 0:
		case list[n.froms[0].base().number].Head:
			w.Begin, w.From = i, n.froms[0].base().number
		default: // it was drawn behind others
			from := &list[n.froms[0].base().number]
			w.Begin, w.From, w.Depth = from.Begin, from.From, from.Depth+1
		}
		list[i] = w
	}
	for _, p := range g.passages {
		if n := p.op.base(); len(n.outs) > 1 {
			w := &list[n.number]
			w.Outs = append(w.Outs, p.name)
		}
	}
	return list
}

// NumberOf returns the number of the operator that a stream stands behind.
func (g *Graph) NumberOf(s *Stream) int { return s.from.base().number }

// Work is what an operator has done since the start.
type Work struct {
	// In is how many events and lists it got, or how often its time came. Of a
	// stream's first operator those count whose host, service, tags and
	// attributes its condition allows: the others do not reach it.
	In uint64
	// Out is how many events and lists it passed on; Outs has them for each
	// stream, if there are several.
	Out  uint64
	Outs []uint64
	// Errors are its own, caught or not.
	Errors uint64
	// Groups is how many groups a by has now.
	Groups int
	// Time is what it took, without what stands behind it: an estimate, see
	// engine.Meter. Each call of a rule is measured.
	Time time.Duration
}

// Work fills list with the work of the operators from that number on. Engine's
// goroutine only.
func (g *Graph) Work(from int, list []Work) {
	for i := range list {
		list[i] = workOf(g.operators[from+i])
	}
}

func workOf(op operator) Work {
	n := op.base()
	w := Work{Errors: n.errors, Time: n.took}
	if n.came != nil {
		w.In = n.came.Came()
	}
	for _, out := range n.fed {
		w.In += out.passed
	}
	for _, out := range n.outs {
		w.Out += out.passed
		if len(n.outs) > 1 {
			w.Outs = append(w.Outs, out.passed)
		}
	}
	switch op := op.(type) {
	case *by:
		w.Groups = op.live
	case *periodic:
		w.In = op.turns
	}
	return w
}
