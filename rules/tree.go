package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// tree is a service tree: a condition on how many members are ok.
type tree struct {
	config  *Config
	pos     string
	holds   func(ok, all int) bool
	members []treeMember
}

// treeMember is an index set, the name of a rule, or another tree.
type treeMember struct {
	set  *indexSet
	rule string
	tree *tree
}

// tally is what was counted of a tree's members.
type tally struct {
	ok, warning, all int
	bad              []badMember // the first of those that are not ok
}

// badMember is a member that is not ok.
type badMember struct{ host, service, state string }

// badShown is how many members that are not ok a description names.
const badShown = 10

func (c *Config) all(L *lua.LState) int {
	a := &args{config: c, L: L, name: "all"}
	return c.makeTree(a, 1, func(ok, all int) bool { return ok == all })
}

func (c *Config) any(L *lua.LState) int {
	a := &args{config: c, L: L, name: "any"}
	return c.makeTree(a, 1, func(ok, _ int) bool { return ok > 0 })
}

func (c *Config) atLeast(L *lua.LState) int {
	a := &args{config: c, L: L, name: "at_least"}
	n := a.whole(1, "a whole number")
	if n < 1 {
		a.fail("the number must be at least 1")
	}
	return c.makeTree(a, 2, func(ok, _ int) bool { return ok >= n })
}

func (c *Config) percent(L *lua.LState) int {
	a := &args{config: c, L: L, name: "percent"}
	p := a.number(1, "a number of percent")
	if p < 0 || p > 100 {
		a.fail("a number of percent is from 0 to 100")
	}
	return c.makeTree(a, 2, func(ok, all int) bool { return float64(ok)*100 >= p*float64(all) })
}

// makeTree makes a tree of the arguments from first on, and returns it as the
// function that evaluates it.
func (c *Config) makeTree(a *args, first int, holds func(ok, all int) bool) int {
	t := &tree{config: c, pos: pos(a.L), holds: holds}
	for i := first; i <= a.count(); i++ {
		v := a.get(i)
		var m treeMember
		if name, ok := v.(lua.LString); ok {
			m.rule = string(name)
		} else if fn, ok := v.(*lua.LFunction); ok {
			m.tree = c.trees[fn]
		} else {
			m.set = setValue(v)
		}
		if m == (treeMember{}) {
			a.wrong(i, "an index set, the name of a rule, or another tree")
		}
		t.members = append(t.members, m)
	}
	if len(t.members) == 0 {
		a.fail("needs at least one index set, name of a rule, or other tree")
	}
	fn := a.L.NewFunction(func(L *lua.LState) int {
		e := t.evaluate()
		L.Push(c.luaEvent(&e))
		return 1
	})
	if !c.main.started {
		c.trees[fn] = t
		c.treeList = append(c.treeList, t)
	}
	a.L.Push(fn)
	return 1
}

// check says which names of rules are not there.
func (t *tree) check(c *Config) error {
	for _, m := range t.members {
		if m.rule != "" && c.rules[m.rule] == nil {
			var names []string
			for name := range c.rules {
				names = append(names, name)
			}
			slices.Sort(names)
			return fmt.Errorf("%s: there is no rule %q%s", t.pos, m.rule, plugins.DidYouMean(m.rule, names))
		}
	}
	return nil
}

// evaluate makes the event that tells of the tree's state.
func (t *tree) evaluate() engine.Event {
	n := t.count()
	e := engine.Event{ID: t.config.at.engine.Identities().Loose(engine.Parts{}), Arrival: t.config.now()}
	e.SetState(t.state(&n))
	share := 0.0
	if n.all > 0 {
		share = float64(n.ok) / float64(n.all)
	}
	e.SetMetric(share)
	e.SetDescription(n.describe())
	return e
}

func (t *tree) state(n *tally) string {
	switch {
	case n.all == 0:
		return "unknown"
	case t.holds(n.ok, n.all):
		return "ok"
	case t.holds(n.ok+n.warning, n.all):
		return "warning"
	}
	return "critical"
}

// count counts the members.
func (t *tree) count() tally {
	var n tally
	for _, m := range t.members {
		switch {
		case m.set != nil:
			n.addSet(t.config, m.set.in(t.config))
		case m.tree != nil:
			inner := m.tree.count()
			state := m.tree.state(&inner)
			n.add(badMember{service: "tree at " + m.tree.pos, state: state})
		default:
			n.add(t.config.rules[m.rule].member())
		}
	}
	slices.SortStableFunc(n.bad, func(a, b badMember) int {
		return cmp.Or(strings.Compare(a.host, b.host), strings.Compare(a.service, b.service))
	})
	return n
}

// member returns a rule as a member of a tree.
func (r *rule) member() badMember {
	if !r.spoke {
		return badMember{service: r.name, state: "not reported"}
	}
	m := memberOf(&r.last)
	if r.config.Engine.HasExpired(&r.last) {
		m.state = engine.Expired
	}
	return m
}

func memberOf(e *engine.Event) badMember {
	m := badMember{e.ID.Host, e.ID.Service, e.State}
	if e.Has&engine.HasState == 0 {
		m.state = "no state"
	}
	return m
}

func (n *tally) add(m badMember) {
	n.all++
	switch m.state {
	case "ok":
		n.ok++
		return
	case "warning":
		n.warning++
	}
	n.bad = append(n.bad, m)
}

// addSet counts the members of an index set. Only when some are not ok are they
// looked at one by one, and then until enough are found to name.
func (n *tally) addSet(c *Config, s *engine.Set) {
	ok, warning := s.Count(stateOK, c.stateIs("ok")), s.Count(stateWarning, c.stateIs("warning"))
	n.all += s.Len()
	n.ok += ok
	n.warning += warning
	missing := min(s.Len()-ok, badShown)
	s.Events(func(e *engine.Event) bool {
		if missing == 0 {
			return false
		}
		if m := memberOf(e); m.state != "ok" {
			n.bad = append(n.bad, m)
			missing--
		}
		return true
	})
}

const (
	stateOK      = `state = "ok"`
	stateWarning = `state = "warning"`
)

// stateIs returns the query for a state, which always parses.
func (c *Config) stateIs(state string) engine.Predicate {
	q, err := c.query(fmt.Sprintf("state = %q", state))
	if err != nil {
		panic(err)
	}
	return q
}

// describe says how many are not ok, and names the first ten.
func (n *tally) describe() string {
	if n.all == 0 {
		return "no members"
	}
	text := fmt.Sprintf("%d of %d not ok", n.all-n.ok, n.all)
	for i, m := range n.bad {
		if i == badShown {
			break
		}
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + strings.Join(strings.Fields(m.host+" "+m.service+" "+m.state), " ")
	}
	if more := n.all - n.ok - badShown; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}
