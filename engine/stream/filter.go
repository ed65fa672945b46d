package stream

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/engine"
)

// Where passes the events for which pred holds.
func (s *Stream) Where(pred engine.Predicate) *Stream {
	return s.filter("where", pred)
}

func (s *Stream) filter(name string, pred engine.Predicate) *Stream {
	return s.add(&where{pred: pred}, name)
}

type where struct {
	node
	pred engine.Predicate
}

// label is the query; a function has no name.
func (w *where) label() string {
	if text, ok := w.pred.(fmt.Stringer); ok {
		return text.String()
	}
	return ""
}

func (w *where) event(g *Group, e *engine.Event) {
	ok, err := w.pred.Match(e)
	if err != nil {
		w.fail(g, e, err)
	} else if ok {
		w.out.event(g, e)
	}
}

// Split returns one stream for each predicate, and one more for the rest: an
// event goes to the first whose predicate holds.
func (s *Stream) Split(preds ...engine.Predicate) ([]*Stream, error) {
	if len(preds) == 0 {
		return nil, fmt.Errorf("split needs at least one predicate")
	}
	op := &split{preds: preds, outs: make([]Out, len(preds))}
	rest := s.add(op, "split")
	s.graph.nameLast("rest")
	var streams []*Stream
	for i := range op.outs {
		streams = append(streams, s.branch(op, &op.outs[i], strconv.Itoa(i+1)))
	}
	return append(streams, rest), nil
}

type split struct {
	node
	preds []engine.Predicate
	outs  []Out
}

func (s *split) event(g *Group, e *engine.Event) {
	for i, pred := range s.preds {
		ok, err := pred.Match(e)
		if err != nil {
			s.fail(g, e, err)
			return
		}
		if ok {
			s.outs[i].event(g, e)
			return
		}
	}
	s.out.event(g, e)
}

// Tagged passes the events that have all the tags.
func (s *Stream) Tagged(tags ...string) (*Stream, error) {
	if len(tags) == 0 {
		return nil, fmt.Errorf("tagged needs at least one tag")
	}
	return s.filter("tagged", taggedAll(tags)), nil
}

// TaggedAny passes the events that have any of the tags.
func (s *Stream) TaggedAny(tags ...string) (*Stream, error) {
	if len(tags) == 0 {
		return nil, fmt.Errorf("tagged_any needs at least one tag")
	}
	return s.filter("tagged_any", taggedAny(tags)), nil
}

type taggedAll []string

func (t taggedAll) Static(id *engine.Identity) engine.Verdict {
	for _, tag := range t {
		if !id.Tagged(tag) {
			return engine.Never
		}
	}
	return engine.Always
}

func (t taggedAll) Match(e *engine.Event) (bool, error) { return t.Static(e.ID) == engine.Always, nil }
func (t taggedAll) Rest(*engine.Event) (bool, error)    { return true, nil }
func (t taggedAll) Literals() []engine.Literal {
	return []engine.Literal{{Tag: true, Text: t[0]}}
}

func (t taggedAll) String() string { return strings.Join(t, ",") }

type taggedAny []string

func (t taggedAny) Static(id *engine.Identity) engine.Verdict {
	for _, tag := range t {
		if id.Tagged(tag) {
			return engine.Always
		}
	}
	return engine.Never
}

func (t taggedAny) Match(e *engine.Event) (bool, error) { return t.Static(e.ID) == engine.Always, nil }
func (t taggedAny) Rest(*engine.Event) (bool, error)    { return true, nil }
func (t taggedAny) String() string                      { return strings.Join(t, ",") }

// Over passes the events whose metric is above x.
func (s *Stream) Over(x float64) *Stream {
	return s.filter("over", dynamic(func(e *engine.Event) bool {
		return e.Has&engine.HasMetric != 0 && e.Metric > x
	}))
}

// Under passes the events whose metric is below x.
func (s *Stream) Under(x float64) *Stream {
	return s.filter("under", dynamic(func(e *engine.Event) bool {
		return e.Has&engine.HasMetric != 0 && e.Metric < x
	}))
}

// Expired passes the events that have expired: by their state, or because
// their ttl has passed since they arrived.
func (s *Stream) Expired() *Stream {
	return s.filter("expired", dynamic(s.graph.engine.HasExpired))
}

// Live passes the events that have not expired.
func (s *Stream) Live() *Stream {
	return s.filter("live", dynamic(func(e *engine.Event) bool { return !s.graph.engine.HasExpired(e) }))
}

// dynamic is a predicate that the identity has no part in.
type dynamic func(*engine.Event) bool

func (dynamic) Static(*engine.Identity) engine.Verdict { return engine.Maybe }
func (f dynamic) Match(e *engine.Event) (bool, error)  { return f(e), nil }
func (f dynamic) Rest(e *engine.Event) (bool, error)   { return f(e), nil }
