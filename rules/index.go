package rules

import (
	"fmt"
	"maps"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// indexSet is index(pred) as Lua holds it. It asks the index for the set at
// each use, so that a set nobody uses any more can go.
type indexSet struct {
	by     any // what pred was made from
	pred   engine.Predicate
	forget time.Duration // negative: settings.forget
}

// in returns the set of the index that Lua sees now.
func (s *indexSet) in(c *Config) *engine.Set {
	return c.at.engine.Index().Set(s.by, s.pred, s.forget)
}

func setValue(v lua.LValue) *indexSet {
	if data, ok := v.(*lua.LUserData); ok {
		if s, ok := data.Value.(*indexSet); ok {
			return s
		}
	}
	return nil
}

// index is index(pred, { forget = }).
func (c *Config) index(L *lua.LState) int {
	a := &args{config: c, L: L, name: "index"}
	a.atMost(2)
	pred, by := a.predicateBy(1)
	var o struct {
		Forget time.Duration `opt:"forget"`
	}
	o.Forget = -1
	a.options(2, &o)
	if a.given(2) && o.Forget < 0 && o.Forget != -1 {
		a.fail(`option "forget" must not be negative`)
	}
	s := &indexSet{by, pred, o.Forget}
	if o.Forget >= 0 && c.at == c.main && !c.main.started {
		// Entries must not be forgotten before the set is read for the first time.
		c.Graph.OnStart(func() { s.in(c) })
	}
	L.Push(c.value(s, c.types.set))
	return 1
}

// lookup is lookup(host, service); either may be nil, for events without.
func (c *Config) lookup(L *lua.LState) int {
	a := &args{config: c, L: L, name: "lookup"}
	a.atMost(2)
	var p engine.Parts
	if a.given(1) {
		p.SetHost(a.text(1, "a host"))
	}
	if a.given(2) {
		p.SetService(a.text(2, "a service"))
	}
	e := c.at.engine.Index().LookupKey(p)
	if e == nil {
		L.Push(lua.LNil)
	} else {
		L.Push(c.luaEvent(e))
	}
	return 1
}

// setMethod is one method of index sets.
type setMethod struct {
	most int
	call func(a *args, s *engine.Set) lua.LValue
}

var setMethods = map[string]setMethod{
	"count": {1, func(a *args, s *engine.Set) lua.LValue {
		if !a.given(1) {
			return lua.LNumber(s.Len())
		}
		pred, by := a.predicateBy(1)
		return lua.LNumber(s.Count(by, pred))
	}},
	"share": {1, func(a *args, s *engine.Set) lua.LValue {
		pred, by := a.predicateBy(1)
		all := s.Len()
		if all == 0 {
			return lua.LNumber(0)
		}
		return lua.LNumber(float64(s.Count(by, pred)) / float64(all))
	}},
	"sum": {1, func(a *args, s *engine.Set) lua.LValue {
		sum, _ := s.Sum(a.keyOrMetric(1))
		return lua.LNumber(sum)
	}},
	"mean": {1, func(a *args, s *engine.Set) lua.LValue {
		sum, n := s.Sum(a.keyOrMetric(1))
		return optional(sum/float64(n), n > 0)
	}},
	"min":      {1, func(a *args, s *engine.Set) lua.LValue { return optional(s.Min(a.keyOrMetric(1))) }},
	"max":      {1, func(a *args, s *engine.Set) lua.LValue { return optional(s.Max(a.keyOrMetric(1))) }},
	"distinct": {1, func(a *args, s *engine.Set) lua.LValue { return lua.LNumber(s.Distinct(a.key(1))) }},
	"worst": {0, func(_ *args, s *engine.Set) lua.LValue {
		if state := s.Worst(); state != "" {
			return lua.LString(state)
		}
		return lua.LNil
	}},
	"events": {0, func(a *args, s *engine.Set) lua.LValue {
		out := a.L.CreateTable(s.Len(), 0)
		s.Events(func(e *engine.Event) bool {
			out.Append(a.config.luaEvent(e))
			return true
		})
		return out
	}},
	"first": {0, func(a *args, s *engine.Set) (first lua.LValue) {
		first = lua.LNil
		s.Events(func(e *engine.Event) bool {
			first = a.config.luaEvent(e)
			return false
		})
		return first
	}},
}

// keyOrMetric reads an optional key.
func (a *args) keyOrMetric(n int) engine.Key {
	if !a.given(n) {
		return engine.FieldNamed("metric")
	}
	return a.key(n)
}

func optional(n float64, ok bool) lua.LValue {
	if !ok {
		return lua.LNil
	}
	return lua.LNumber(n)
}

// setMetatable makes the metatable that all index sets share.
func (c *Config) setMetatable() *lua.LTable {
	names := slices.Sorted(maps.Keys(setMethods))
	bound := make(map[string]*lua.LFunction)
	for name, m := range setMethods {
		bound[name] = c.lua.NewFunction(func(L *lua.LState) int {
			s := setValue(L.Get(1))
			if s == nil {
				fail(L, "%s: call it with a colon on an index set, as in index '…':%s", name, name)
			}
			a := &args{config: c, L: L, name: name, shift: 1}
			a.atMost(m.most)
			L.Push(m.call(a, s.in(c)))
			return 1
		})
	}
	return c.metatable("index", map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			name := L.Get(2).String()
			fn := bound[name]
			if fn == nil {
				fail(L, "index sets have no method %q%s", name, plugins.DidYouMean(name, names))
			}
			L.Push(fn)
			return 1
		},
		"__tostring": func(L *lua.LState) int {
			if s := setValue(L.Get(1)); s != nil {
				if text, ok := s.by.(string); ok {
					L.Push(lua.LString(fmt.Sprintf("index %q", text)))
					return 1
				}
			}
			L.Push(lua.LString("index"))
			return 1
		},
	})
}
