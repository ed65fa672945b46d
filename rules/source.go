package rules

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
	"tocsin/plugins"
)

// kinds makes the value of source or sink: its fields are the functions that
// declare one of a kind.
func (c *Config) kinds(what string) lua.LValue {
	declare, known := c.declareSource, plugins.Sources
	if what == "sink" {
		declare, known = c.declareSink, plugins.Sinks
	}
	return c.value(what, c.metatable(what, map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			kind := L.Get(2).String()
			if !slices.Contains(known(), kind) {
				fail(L, "there is no %s.%s%s", what, kind, plugins.DidYouMean(kind, known()))
			}
			L.Push(L.NewFunction(func(L *lua.LState) int {
				a := &args{config: c, L: L, name: what + "." + kind}
				c.drawable(L, c.main)
				a.atMost(1)
				t, err := options(a.table(1, "a table of options"), pos(L))
				a.optionError(err)
				return declare(a, kind, t)
			}))
			return 1
		},
		"__newindex": func(L *lua.LState) int {
			fail(L, "%s cannot be changed", what)
			return 0
		},
	}))
}

// sourceOptions are what every source takes.
type sourceOptions struct {
	Name    string        `opt:"name"`
	TTL     time.Duration `opt:"ttl"`
	Tags    []string      `opt:"tags"`
	Through any           `opt:"through"`
}

// sinkOptions are what every sink takes.
type sinkOptions struct {
	Name  string `opt:"name"`
	Queue int    `opt:"queue"`
	Full  string `opt:"full"`
}

// take moves the options of that name from one table to another.
func take(from *plugins.Table, names ...string) *plugins.Table {
	to := &plugins.Table{Pos: from.Pos, Fields: make(map[string]any)}
	for _, name := range names {
		if v, ok := from.Fields[name]; ok {
			to.Fields[name] = v
			delete(from.Fields, name)
		}
	}
	return to
}

// env returns what a source or sink is built with. Each has counters of its own,
// which come and go with it.
func (c *Config) env(a *args, what, name string) plugins.Env {
	env := c.opts.Env
	env.Name, env.Metrics, env.Dir = name, metrics.NewSet(), c.folder(a.L)
	env.Logger = c.logger.With(what, name)
	if abs, err := filepath.Abs(env.Dir); err == nil {
		env.Dir = abs
	}
	return env
}

func (c *Config) declareSource(a *args, kind string, t *plugins.Table) int {
	o := sourceOptions{Name: kind}
	a.optionError(plugins.Decode(take(t, "name", "ttl", "tags", "through"), &o))
	if o.TTL < 0 {
		a.fail(`option "ttl" must not be negative`)
	}
	for _, s := range c.Sources {
		if s.Name == o.Name {
			a.fail(`there is a source %q already, at %s; give this one a "name"`, o.Name, s.Pos)
		}
	}
	env := c.env(a, "source", o.Name)
	made, err := plugins.NewSource(kind, env, t)
	a.optionError(err)
	s := &Source{Name: o.Name, Kind: kind, Pos: t.Pos, Source: made, Metrics: env.Metrics, TTL: o.TTL, Tags: o.Tags, origin: origin{env, t}}
	if o.Through != nil {
		s.Through = c.through(a, o.Through)
	}
	c.Sources = append(c.Sources, s)
	return 0
}

// through draws the stream that a source's events pass before they are
// indexed.
func (c *Config) through(a *args, v any) *stream.Stream {
	fn, ok := v.(*lua.LFunction)
	if !ok {
		a.fail(`option "through" must be a function of a stream, got %s`, describe(optionValue(v)))
	}
	place := pos(a.L)
	c.Graph.Site = stream.Site{Pos: place}
	head := c.Graph.Head()
	a.L.Push(fn)
	a.L.Push(c.luaStream(head, c.main))
	a.L.Call(1, 1)
	end := placeValue(a.L.Get(-1))
	if end == nil {
		a.fail(`the function "through" must return a stream, got %s`, describe(a.L.Get(-1)))
	}
	a.L.Pop(1)
	if !end.stream.From(head) {
		a.fail(`the function "through" must return a stream of what it is given, not of events: those would pass for ever`)
	}
	c.Graph.Site = stream.Site{Pos: place}
	end.stream.Each(func(m engine.Message) error {
		for i := range m.Events {
			if m.Events[i].ID != nil {
				e := m.Events[i]
				c.Engine.Admit(&e)
			}
		}
		return nil
	})
	return head
}

func (c *Config) declareSink(a *args, kind string, t *plugins.Table) int {
	o := sinkOptions{Name: kind}
	common := take(t, "name", "queue", "full")
	a.optionError(plugins.Decode(common, &o))
	if _, given := common.Fields["queue"]; given && o.Queue < 1 {
		a.fail(`option "queue" must be at least 1`)
	}
	if full := engine.FullPolicy(o.Full); full != "" && full != engine.DropOldest && full != engine.Block {
		a.fail(`option "full" must be %q or %q, not %q`, engine.DropOldest, engine.Block, full)
	}
	for _, s := range c.Sinks {
		if s.Name == o.Name {
			a.fail(`there is a sink %q already, at %s; give this one a "name"`, o.Name, s.Pos)
		}
	}
	env := c.env(a, "sink", o.Name)
	made, err := plugins.NewSink(kind, env, t)
	a.optionError(err)
	s := &Sink{Name: o.Name, Kind: kind, Pos: t.Pos, Sink: made, Metrics: env.Metrics, Queue: o.Queue, Full: o.Full, origin: origin{env, t}}
	s.output = discard{s}
	if c.opts.Output != nil {
		if s.output, err = c.opts.Output(s); err != nil {
			a.fail("%v", err)
		}
	}
	c.Sinks = append(c.Sinks, s)
	a.L.Push(c.value(s, c.types.sink))
	return 1
}
