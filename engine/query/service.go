package query

import (
	"slices"

	"tocsin/engine"
)

// Services is what a query asks of the service of an event.
type Services struct {
	text  string
	holds func(service string) bool
}

// ServicesOf returns the first condition on the service that every event meets
// which matches the query: one by =, =~ or ~= that stands by itself or is joined
// by "and". ok is false when there is none, or when the text is no query.
func ServicesOf(query string) (s Services, ok bool) {
	root, err := parse(query)
	if err != nil {
		return s, false
	}
	all, isAnd := root.(andNode)
	if !isAnd {
		all = andNode{root}
	}
	service := engine.FieldNamed("service")
	for _, n := range all {
		d, known := demandOf(n)
		switch {
		case !known || d.field != service:
		case d.isText:
			return Services{text(n), func(s string) bool { return s == d.text }}, true
		case d.matches != nil:
			return Services{text(n), d.matches}, true
		}
	}
	return s, false
}

// String shows the condition as it is written.
func (s Services) String() string { return s.text }

// Any reports whether one of the services meets the condition.
func (s Services) Any(services []string) bool { return slices.ContainsFunc(services, s.holds) }
