package stream

import (
	"fmt"

	"tocsin/engine"
)

// Project passes, whenever an event comes for which any of the predicates
// holds, the list of the newest event for each of them, none where there is
// none yet. An expired event is in one list; one whose ttl has passed is in
// one as its expiry.
func (s *Stream) Project(preds ...engine.Predicate) (*Stream, error) {
	if len(preds) == 0 {
		return nil, fmt.Errorf("project needs at least one predicate")
	}
	op := &project{preds: preds, holds: make([]bool, len(preds)), shown: make([]engine.Event, len(preds))}
	return s.addWithState(op, "project"), nil
}

type project struct {
	node
	preds []engine.Predicate
	holds []bool         // for the event in hand
	shown []engine.Event // the list in hand
}

type projectState struct {
	untimed
	newest []engine.Event // for each predicate
}

func (s *projectState) save(w *engine.RecordWriter) {
	w.Int(len(s.newest))
	for i := range s.newest {
		w.Event(&s.newest[i])
	}
}

func (p *project) load(g *Group, r *engine.RecordReader) {
	s := &projectState{newest: make([]engine.Event, len(p.preds))}
	if n := r.Len(); n != len(p.preds) {
		r.Fail("project has %d predicates, not %d", len(p.preds), n)
	}
	for i := range s.newest {
		s.newest[i] = r.Event()
	}
	g.states[p.slot] = s
}

func (p *project) event(g *Group, e *engine.Event) {
	any := false
	for i, pred := range p.preds {
		ok, err := pred.Match(e)
		if err != nil {
			p.fail(g, e, err)
			return
		}
		p.holds[i] = ok
		any = any || ok
	}
	if !any {
		return
	}
	s := stateOf[projectState](g, &p.node)
	if s == nil {
		s = &projectState{newest: make([]engine.Event, len(p.preds))}
		g.states[p.slot] = s
	}
	for i := range s.newest {
		if p.holds[i] {
			s.newest[i] = *e
		}
		p.shown[i] = s.show(i, p.graph.engine)
	}
	p.out.list(g, p.shown)
}

// show returns what is to be seen of one event, and clears it if it has
// expired.
func (s *projectState) show(i int, e *engine.Engine) engine.Event {
	at := s.newest[i]
	if at.ID == nil || !e.HasExpired(&at) {
		return at
	}
	s.newest[i] = engine.Event{}
	if at.IsExpired() {
		return at
	}
	return at.Expiry(e.Now())
}
