package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"tocsin/engine"
	"tocsin/engine/query"
)

// Listener notes which services there are, to warn of queries for others.
type Listener struct {
	asked []askedFor
	heard map[string]bool
}

// askedFor is a query for certain services.
type askedFor struct {
	pos      string
	services query.Services
}

// Listen returns a listener to all events from now on. It is called before
// Start; then a recording is replayed, and then the listener is asked.
func (c *Config) Listen() (*Listener, error) {
	calls, err := c.sourceCalls()
	if err != nil {
		return nil, err
	}
	l := &Listener{heard: make(map[string]bool)}
	for _, call := range calls {
		for _, text := range call.queries() {
			if s, ok := query.ServicesOf(text); ok {
				l.asked = append(l.asked, askedFor{call.pos(), s})
			}
		}
		for _, service := range call.services() {
			l.heard[service] = true
		}
	}
	for name := range c.rules {
		l.heard[name] = true
	}
	for _, service := range []string{"tocsin error", "tocsin dropped", "tocsin identities", "tocsin source", "tocsin sink", "tocsin journal"} {
		l.heard[service] = true
	}
	c.Graph.Events().Each(func(m engine.Message) error {
		for i := range m.Events {
			if p := m.Events[i].ID.Parts(); p.Has&engine.HasService != 0 && !l.heard[p.Service] {
				l.heard[p.Service] = true
			}
		}
		return nil
	})
	return l, nil
}

// services returns the names that a call gives to the events it makes.
func (s *sourceCall) services() (out []string) {
	for _, arg := range s.args {
		table, ok := arg.(*ast.TableExpr)
		if !ok {
			continue
		}
		for _, f := range table.Fields {
			key, _ := f.Key.(*ast.StringExpr)
			if name, ok := literalText(f.Value); ok && key != nil && key.Value == "service" {
				out = append(out, name)
			}
		}
	}
	return out
}

// Warnings returns a warning for each query for services that no event had, no
// rule is called, and no operator sets.
func (l *Listener) Warnings() (out []Warning) {
	heard := slices.Collect(maps.Keys(l.heard))
	for _, a := range l.asked {
		if !a.services.Any(heard) {
			out = append(out, Warning{a.pos, fmt.Sprintf("no event of the recording has %s", a.services),
				"correct the name, or see whether the sender still sends it"})
		}
	}
	return out
}
