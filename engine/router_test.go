package engine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// conditions is a predicate over the identity: all of its literals hold; and
// the event: rest holds.
type conditions struct {
	literals []Literal
	tell     bool // by the optional ability
	rest     bool // the event decides, too
}

func (c *conditions) Static(id *Identity) Verdict {
	for _, l := range c.literals {
		if l.Tag && !id.Tagged(l.Text) || !l.Tag && l.Field.OfIdentity(id) != TextValue(l.Text) {
			return Never
		}
	}
	if c.rest {
		return Maybe
	}
	return Always
}

func (c *conditions) Rest(e *Event) (bool, error) { return e.Metric > 1, nil }

func (c *conditions) Match(e *Event) (bool, error) {
	v := c.Static(e.ID)
	return v == Always || v == Maybe && e.Metric > 1, nil
}

// telling has the optional ability.
type telling struct{ *conditions }

func (t telling) Literals() []Literal { return t.literals }

// TestRoutesFindWhatMatches: the route of an identity is what asking each
// predicate finds, in the order in which they were added.
func TestRoutesFindWhatMatches(t *testing.T) {
	fields := []Field{FieldNamed("host"), FieldNamed("service"), FieldNamed("role"), FieldNamed("b")}
	word := rapid.SampledFrom([]string{"", "a", "b", "ab"})
	rapid.Check(t, func(t *rapid.T) {
		router := NewRouter[int]()
		var preds []Predicate
		for i := range rapid.IntRange(0, 12).Draw(t, "targets") {
			c := &conditions{rest: rapid.Bool().Draw(t, "rest")}
			for range rapid.IntRange(0, 3).Draw(t, "literals") {
				l := Literal{Text: word.Draw(t, "text"), Tag: rapid.Bool().Draw(t, "tag")}
				if !l.Tag {
					l.Field = rapid.SampledFrom(fields).Draw(t, "field")
				}
				c.literals = append(c.literals, l)
			}
			var p Predicate
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0: // every event
			case 1:
				p = c
			default:
				p = telling{c}
			}
			preds = append(preds, p)
			router.Add(p, i)
		}
		ids := NewIdentities(100)
		for range 5 {
			p := drawParts(t)
			if rapid.Bool().Draw(t, "role") {
				p.SetAttr("role", word.Draw(t, "role is"))
			}
			e := Event{ID: ids.Loose(p), Metric: float64(rapid.IntRange(0, 3).Draw(t, "metric"))}
			var want, got []int
			for i, p := range preds {
				if p == nil {
					want = append(want, i)
				} else if ok, _ := p.Match(&e); ok {
					want = append(want, i)
				}
			}
			route := router.Route(e.ID)
			if route != router.Route(e.ID) {
				t.Fatal("equal routes are shared")
			}
			for _, hop := range route.Hops {
				if hop.Rest == nil {
					got = append(got, hop.To)
				} else if ok, _ := hop.Rest.Rest(&e); ok {
					got = append(got, hop.To)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: routed to %v, want %v", show(&e), got, want)
			}
		}
	})
}

// TestClearedRouter: routes that identities keep lead nowhere, and hold on to
// nothing.
func TestClearedRouter(t *testing.T) {
	router := NewRouter[*Event]()
	to := &Event{}
	router.Add(nil, to)
	router.Add(&conditions{rest: true}, to)
	route := router.Route(NewIdentities(10).Loose(serviceParts("a")))
	if len(route.Hops) != 2 || route.Hops[0].To != to || route.Hops[1].Rest == nil {
		t.Fatalf("hops %+v", route.Hops)
	}
	router.Clear()
	for _, hop := range route.Hops {
		if *hop != (Hop[*Event]{}) {
			t.Errorf("a hop still leads to %+v", *hop)
		}
	}
}

// asked counts how often it is asked about an identity.
type asked struct {
	telling
	n *int
}

func (a asked) Static(id *Identity) Verdict { *a.n++; return a.telling.Static(id) }

func TestRouterAsksFewOfMany(t *testing.T) {
	router := NewRouter[int]()
	n := 0
	for i := range 10_000 {
		c := &conditions{literals: []Literal{
			{Field: FieldNamed("host"), Text: "h"},
			{Field: FieldNamed("service"), Text: fmt.Sprint("s", i)},
		}}
		router.Add(asked{telling{c}, &n}, i)
	}
	ids := NewIdentities(10)
	route := router.Route(ids.Loose(serviceParts("s77")))
	if len(route.Hops) != 1 || route.Hops[0].To != 77 || n != 1 {
		t.Errorf("%d hops; %d of 10,000 were asked", len(route.Hops), n)
	}
	if route := router.Route(ids.Loose(serviceParts("other"))); len(route.Hops) != 0 || n != 1 {
		t.Errorf("%d hops; %d were asked", len(route.Hops), n)
	}
}
