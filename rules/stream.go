package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine/stream"
	"tocsin/plugins"
)

// place is a stream as Lua holds it.
type place struct {
	stream *stream.Stream
	flow   *flow
}

// method binds one method of streams.
type method struct {
	// most is how many arguments it takes at most; -1: any number.
	most int
	make func(a *args, s *stream.Stream) ([]*stream.Stream, error)
}

// methods returns the methods of all families.
func methods() map[string]method {
	all := make(map[string]method)
	for _, family := range []map[string]method{
		filterMethods, changeMethods, groupMethods, rateMethods, fillMethods, holdMethods, windowMethods, foldMethods, outMethods,
	} {
		maps.Copy(all, family)
	}
	return all
}

// one is the result of a method that returns one stream.
func one(s *stream.Stream) ([]*stream.Stream, error) { return []*stream.Stream{s}, nil }

// orErr is the result of a method that returns one stream or fails.
func orErr(s *stream.Stream, err error) ([]*stream.Stream, error) { return []*stream.Stream{s}, err }

// streamMetatable makes the metatable that all streams share.
func (c *Config) streamMetatable() *lua.LTable {
	all := methods()
	names := slices.Sorted(maps.Keys(all))
	bound := make(map[string]*lua.LFunction, len(all))
	for name, m := range all {
		bound[name] = c.lua.NewFunction(func(L *lua.LState) int { return c.callMethod(L, name, m) })
	}
	return c.metatable("stream", map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			name := L.Get(2).String()
			fn := bound[name]
			if fn == nil {
				fail(L, "streams have no method %q%s", name, plugins.DidYouMean(name, names))
			}
			L.Push(fn)
			return 1
		},
		"__newindex": func(L *lua.LState) int {
			fail(L, "a stream cannot be changed")
			return 0
		},
	})
}

// callMethod draws an operator behind the stream that the method is called on.
func (c *Config) callMethod(L *lua.LState, name string, m method) int {
	at := placeValue(L.Get(1))
	if at == nil {
		fail(L, "%s: call it with a colon on a stream, as in events:%s", name, name)
	}
	c.drawable(L, at.flow)
	a := &args{config: c, L: L, name: name, shift: 1}
	a.atMost(m.most)
	at.flow.graph.Site = stream.Site{Pos: pos(L)}
	out, err := m.make(a, at.stream)
	if err != nil && !strings.HasPrefix(err.Error(), name+" ") {
		err = fmt.Errorf("%s: %w", name, err)
	}
	check(L, err)
	if c.tests == nil && name != "tap" {
		c.written = append(c.written, writtenCall{out[0], name + a.written()})
	}
	for _, s := range out {
		L.Push(c.luaStream(s, at.flow))
	}
	return len(out)
}

// drawable fails when events flow already.
func (c *Config) drawable(L *lua.LState, f *flow) {
	if f.started {
		fail(L, "a stream can be drawn only while the rules are loaded, not once events flow")
	}
}

func (c *Config) luaStream(s *stream.Stream, f *flow) lua.LValue {
	return c.value(&place{s, f}, c.types.stream)
}

// placeValue returns the stream that v holds, or nil.
func placeValue(v lua.LValue) *place {
	if data, ok := v.(*lua.LUserData); ok {
		if p, ok := data.Value.(*place); ok {
			return p
		}
	}
	return nil
}

// merge is merge(s1, s2, …).
func (c *Config) merge(L *lua.LState) int {
	var streams []*stream.Stream
	var in *flow
	for i := 1; i <= L.GetTop(); i++ {
		p := placeValue(L.Get(i))
		if p == nil {
			fail(L, "merge: argument %d must be a stream, got %s", i, describe(L.Get(i)))
		}
		in = p.flow
		streams = append(streams, p.stream)
	}
	if in == nil {
		fail(L, "merge needs at least one stream")
	}
	c.drawable(L, in)
	in.graph.Site = stream.Site{Pos: pos(L)}
	s, err := stream.Merge(streams...)
	check(L, err)
	L.Push(c.luaStream(s, in))
	return 1
}
