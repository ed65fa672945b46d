package rules

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/engine/stream"
)

// runStream is t:run(build, script).
func (t *tester) runStream(a *args) int {
	build, script := a.function(1), a.table(2, "a list of events and numbers")
	c, before := t.config, t.config.at
	e := engine.New(engine.Options{Bare: true, Logger: c.logger}, 0)
	alone := &flow{engine: e, graph: stream.NewGraph(e)}
	c.at = alone
	defer func() { c.at = before }()
	alone.graph.Site = stream.Site{Pos: pos(a.L)}
	head := alone.graph.Head()
	v, err := c.call(build, c.luaStream(head, alone))
	if err != nil {
		raise(a.L, err.Error())
	}
	end := placeValue(v)
	if end == nil || end.flow != alone {
		a.fail("the function must return a stream that begins with its argument, got %s", describe(v))
	}
	var got []engine.Message
	alone.graph.Site = stream.Site{Pos: pos(a.L)} // what collects is the test's
	end.stream.Each(func(m engine.Message) error {
		got = append(got, copyMessage(m))
		return nil
	})
	alone.started = true
	defer t.counted(alone.graph)
	alone.graph.Start()
	t.outside(a, func() error { return t.feed(alone, head, script) })
	a.L.Push(c.luaMessages(got))
	return 1
}

// feed hands a script to a stream.
func (t *tester) feed(f *flow, head *stream.Stream, script *lua.LTable) error {
	for i := 1; i <= script.Len(); i++ {
		v := script.RawGetInt(i)
		var err error
		switch step := v.(type) {
		case lua.LNumber:
			err = t.move(f.engine, f.engine.Now().Add(engine.Seconds(float64(step))))
		case *lua.LTable:
			if first := step.RawGetInt(1); first != lua.LNil {
				err = t.feedList(f, head, step)
				break
			}
			err = t.feedEvent(f, head, v)
		default:
			err = t.feedEvent(f, head, v)
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

func (t *tester) feedEvent(f *flow, head *stream.Stream, v lua.LValue) error {
	e, err := t.config.toEvent(v)
	if err != nil {
		return err
	}
	if e.ID == nil {
		return fmt.Errorf("expected an event, got none")
	}
	if e.Has&engine.HasTime != 0 {
		if err := t.move(f.engine, e.Time); err != nil {
			return err
		}
	}
	arrive(f, &e)
	head.Handle(&e)
	return nil
}

func (t *tester) feedList(f *flow, head *stream.Stream, list *lua.LTable) error {
	events, err := t.config.toEvents(list)
	if err != nil {
		return err
	}
	newest := f.engine.Now()
	for _, e := range events {
		newest = max(newest, e.Time)
	}
	if err := t.move(f.engine, newest); err != nil {
		return err
	}
	for i := range events {
		if events[i].ID != nil {
			arrive(f, &events[i])
		}
	}
	head.HandleList(events)
	return nil
}

// arrive gives an event what the engine would give it.
func arrive(f *flow, e *engine.Event) {
	e.Arrival = f.engine.Now()
	if e.Has&engine.HasTime == 0 {
		e.SetTime(f.engine.Now())
	}
}
