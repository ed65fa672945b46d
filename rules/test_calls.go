package rules

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// define sets the names that only a test file sees.
func (t *tester) define() {
	t.config.setFunction("test", t.declare)
	t.config.setFunction("config", t.include)
}

// declare is test(name, fn).
func (t *tester) declare(L *lua.LState) int {
	a := &args{config: t.config, L: L, name: "test"}
	a.atMost(2)
	if t.running {
		a.fail("a test cannot hold another one")
	}
	t.tests = append(t.tests, testCase{a.text(1, "a name"), a.function(2)})
	return 0
}

// include is config "file": it runs a rules file.
func (t *tester) include(L *lua.LState) int {
	a := &args{config: t.config, L: L, name: "config"}
	a.atMost(1)
	t.config.drawable(L, t.config.main)
	path := t.path(a)
	v, err := t.config.include(path)
	if err != nil {
		raise(L, includeError(pos(L), path, err))
	}
	L.Push(v)
	return 1
}

// path reads an argument as a path relative to the file the call stands in.
func (t *tester) path(a *args) string {
	name := a.text(1, "the path of a file")
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(t.config.folder(a.L), name)
}

// run runs one test.
func (t *tester) run(ctx context.Context, it testCase) error {
	t.stopped, t.running = ctx.Err, true
	handle := t.config.value(t, t.metatable())
	_, err := t.config.call(it.fn, handle)
	if t.failure != nil {
		return t.failure
	}
	return err
}

// testCall is one call of the argument of tests.
type testCall struct {
	most int // arguments; -1: any number
	call func(*tester, *args) int
}

// testCalls returns the calls by name.
func testCalls() map[string]testCall {
	return map[string]testCall{
		"send": {-1, (*tester).send}, "advance": {1, (*tester).advance}, "replay": {1, (*tester).replay},
		"received": {1, (*tester).receivedCall}, "tapped": {1, (*tester).tappedCall},
		"run": {2, (*tester).runStream}, "now": {0, (*tester).now},
		// What a function returns besides, as string.find does, is no mistake here.
		"eq": {-1, (*tester).eq}, "match": {-1, (*tester).match}, "ok": {-1, (*tester).ok}, "error": {-1, (*tester).raises},
	}
}

// metatable makes the metatable of the argument of tests.
func (t *tester) metatable() *lua.LTable {
	calls := testCalls()
	names := slices.Sorted(maps.Keys(calls))
	bound := make(map[string]*lua.LFunction)
	for name, m := range calls {
		bound[name] = t.config.lua.NewFunction(func(L *lua.LState) int {
			if data, ok := L.Get(1).(*lua.LUserData); !ok || data.Value != t {
				fail(L, "%s: call it with a colon on the argument of the test, as in t:%s", name, name)
			}
			a := &args{config: t.config, L: L, name: "t:" + name, shift: 1}
			a.atMost(m.most)
			return m.call(t, a)
		})
	}
	return t.config.metatable("test", map[string]lua.LGFunction{
		"__index": func(L *lua.LState) int {
			name := L.Get(2).String()
			if bound[name] == nil {
				fail(L, "tests have no call %q%s", name, plugins.DidYouMean(name, names))
			}
			L.Push(bound[name])
			return 1
		},
	})
}

// start has events flow from now on.
func (t *tester) start(a *args) {
	if t.config.main.started {
		return
	}
	if err := t.config.checkWhole(); err != nil {
		raise(a.L, err.Error())
	}
	t.config.Start()
}

// maxWork bounds one move of the clock, in what the turns of Engine.Advance
// count: some 40 million timers, a month of a rule every 0.1 s.
const maxWork = 400_000_000

// moveTo moves the clock to a time, if that is later.
func (t *tester) moveTo(at engine.Time) error { return t.move(t.config.Engine, at) }

// move moves the clock of an engine, looking now and then whether to go on.
func (t *tester) move(e *engine.Engine, at engine.Time) error {
	const turn = 10_000
	for n := 0; !e.Advance(at, turn); n += turn {
		if err := t.stopped(); err != nil {
			t.config.watch.cut()
			return err
		}
		if n >= maxWork {
			return fmt.Errorf("moving the clock to %v fires tens of millions of timers; t:replay begins at the first event's time instead",
				lua.LNumber(at.Seconds()))
		}
	}
	return nil
}

// outside runs f without counting its time as that of the test's function: what
// f calls in Lua has a time of its own.
func (t *tester) outside(a *args, f func() error) {
	resume := t.config.watch.suspend()
	err := func() error {
		defer resume()
		return f()
	}()
	if t.stopped() != nil {
		t.config.watch.cut()
	}
	if err != nil {
		a.fail("%v", err)
	}
}

// send is t:send(e, …).
func (t *tester) send(a *args) int {
	t.start(a)
	for i := 1; i <= a.count(); i++ {
		e, err := t.config.toEvent(a.get(i))
		if err != nil || e.ID == nil {
			if err == nil {
				err = fmt.Errorf("expected an event, got none")
			}
			a.fail("argument %d: %v", i, err)
		}
		t.outside(a, func() error {
			if e.Has&engine.HasTime != 0 {
				if err := t.moveTo(e.Time); err != nil {
					return err
				}
			}
			t.config.Engine.Ingest(&e)
			t.config.Engine.Flush()
			return nil
		})
	}
	return 0
}

// advance is t:advance(dt).
func (t *tester) advance(a *args) int {
	t.start(a)
	dt := a.seconds(1)
	if dt < 0 {
		a.fail("the clock does not go back")
	}
	t.outside(a, func() error {
		err := t.moveTo(t.config.Engine.Now().Add(dt))
		t.config.Engine.Flush()
		return err
	})
	return 0
}

// replay is t:replay(file).
func (t *tester) replay(a *args) int {
	t.start(a)
	path := t.path(a)
	t.reads(path)
	t.outside(a, func() error { return t.replayFile(path) })
	return 0
}

func (t *tester) now(a *args) int {
	a.L.Push(lua.LNumber(t.config.now().Seconds()))
	return 1
}

// receivedCall is t:received(sink).
func (t *tester) receivedCall(a *args) int {
	return t.pushMessages(a, "sink", t.received)
}

// tappedCall is t:tapped(name).
func (t *tester) tappedCall(a *args) int {
	return t.pushMessages(a, "tap", t.taps)
}

// pushMessages returns a list of the events and lists that were recorded.
func (t *tester) pushMessages(a *args, what string, from map[string][]engine.Message) int {
	name := a.text(1, "the name of a "+what)
	messages, ok := from[name]
	if !ok {
		a.fail("there is no %s %q%s", what, name, plugins.DidYouMean(name, slices.Sorted(maps.Keys(from))))
	}
	a.L.Push(t.config.luaMessages(messages))
	return 1
}

func (c *Config) luaMessages(messages []engine.Message) *lua.LTable {
	out := c.lua.CreateTable(len(messages), 0)
	for _, m := range messages {
		out.Append(c.luaMessage(m))
	}
	return out
}

// ok is t:ok(value, message).
func (t *tester) ok(a *args) int {
	if lua.LVIsFalse(a.get(1)) {
		message := "not ok"
		if a.given(2) {
			message = a.L.ToStringMeta(a.get(2)).String()
		}
		t.failed(a, "%s; expected a value that is neither nil nor false, got %s", message, show(a.get(1)))
	}
	return 0
}

// raises is t:error(fn, pattern).
func (t *tester) raises(a *args) int {
	L := a.L
	_, err := t.config.call(a.function(1))
	if err == nil {
		t.failed(a, "expected an error, got none")
	}
	text := err.Error()
	if a.given(2) {
		pattern := a.text(2, "a pattern")
		L.Push(t.config.find)
		L.Push(lua.LString(text))
		L.Push(lua.LString(pattern))
		L.Call(2, 1)
		found := L.Get(-1)
		L.Pop(1)
		if found == lua.LNil {
			t.failed(a, "expected an error that matches %s, got %s", quote(pattern), quoteLong(text))
		}
	}
	L.Push(lua.LString(text))
	return 1
}

// failed notes that the test failed, and ends it. The note stays, even if Lua
// catches the error.
func (t *tester) failed(a *args, format string, values ...any) {
	t.failedWith(a, "", format, values...)
}

// failedWith is failed with lines that show the failure in detail.
func (t *tester) failedWith(a *args, detail, format string, values ...any) {
	text := strings.TrimPrefix(a.name, "t:") + ": " + fmt.Sprintf(format, values...)
	f := &testFailure{pos: pos(a.L), text: text, detail: detail}
	if t.failure == nil {
		t.failure = f
	}
	raise(a.L, f.Error())
}
