package rules

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
)

// luaResult runs a text and returns what it returns.
func luaResult(t testing.TB, c *Config, text string) lua.LValue {
	t.Helper()
	proto, err := c.chunks.compile("native.lua", []byte(text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	c.read("native.lua")
	v, err := c.runChunk(proto)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return v
}

// luaFunction is luaResult for a text that returns a function.
func luaFunction(t testing.TB, c *Config, text string) *lua.LFunction {
	t.Helper()
	fn, ok := luaResult(t, c, text).(*lua.LFunction)
	if !ok {
		t.Fatalf("%s\nis not a function", text)
	}
	return fn
}

// nativeEvents are events that functions meet: full, empty, and odd ones.
func nativeEvents(c *Config) []engine.Event {
	var full, empty, odd engine.Parts
	full.SetHost("web1")
	full.SetService("cpu/percent-user")
	full.SetAttr("role", "app")
	full.SetAttr("price", "12.5")
	full.Tags = []string{"prod", "eu"}
	odd.SetHost("")
	odd.SetService("10")
	odd.SetAttr("price", "x")
	odd.SetAttr("role", " 0x10 ")
	out := make([]engine.Event, 3)
	for i, p := range []engine.Parts{full, empty, odd} {
		out[i].ID = c.Engine.Identities().Loose(p)
	}
	out[0].SetMetric(95.5)
	out[0].SetState("ok")
	out[0].SetDescription("all is well")
	out[0].SetTime(engine.TimeOf(1234.5))
	out[0].SetTTL(10 * time.Second)
	out[2].SetMetric(math.NaN())
	out[2].SetState("")
	return out
}

// TestNative holds functions against the VM, and tells which are compiled.
func TestNative(t *testing.T) {
	c := mustLoad(t, "", Options{})
	events := nativeEvents(c)
	for _, body := range []string{
		`return e.metric > 5 and e.state == "ok"`,
		`return e.metric >= 95.5 or not e.state`,
		`return 5 < e.metric`,
		`return 95.5 <= e.metric`,
		`return e.metric == 95.5`,
		`return e.metric ~= 95.5`,
		`return e.metric`,
		`return`,
		``,
		`return nil`,
		`return e.nothing`,
		`return "nil" == nil`,
		`return e.host == "web1"`,
		`return e.host ~= nil and e.host < "x"`,
		`return e.metric < e.host`,
		`return e.host .. "/" .. e.service`,
		`return e.metric .. ":" .. 1 .. 1e300 .. 0.5`,
		`return e.price * 2 + e.metric % 7 - e.time / 3 ^ 2`,
		`return e.role + 1`,
		`return e.state + 1`,
		`return -e.metric`,
		`return -e.price`,
		`return #e.host`,
		`return #e.metric`,
		`return e:tagged "prod"`,
		`return e:tagged(e.metric)`,
		`local x, y = e.metric, e.host if x then return y elseif y then return x else return 1 end`,
		`local x = e.state do local x = e.host end if x == "ok" then x = x .. "!" end return x`,
		`local e = e.host return e`,
		`return (e.metric or 0) > 5 and "high" or "low"`,
		`return false or nil`,
		`return nil and 1`,
		`return e.host:lower() == "web1"`,
		`return string.upper(e.host) .. e.service:sub(1, 3) .. e.service:sub(-4) .. e.service:sub(2, -2)`,
		`return e.service:find "percent"`,
		`return e.service:match "^cpu"`,
		`return e.service:match "user$"`,
		`return e.service:find "^1$"`,
		`return e.service:find("%", 1, true)`,
		`return e.service:find("u/p", 1, true)`,
		`return e.service:find("", 1, true)`,
		`return math.floor(e.metric) + math.ceil(e.metric) + math.abs(-e.metric)`,
		`return math.max(e.metric, 100) - math.min(e.metric, 3)`,
		`return tonumber(e.price)`,
		`return tonumber(e.service)`,
		`return tostring(e.metric) .. tostring(e.host) .. tostring(nil) .. tostring(true)`,
		`return type(e.host) .. type(e.metric) .. type(nil) .. type(true)`,
		`return limit > 3 and known.cpu and known[e.role] and high < 100`,
		`return known.nothing`,
		`return missing`,
		`return missing.field`,
		`return 1 / 0 - 1 / 0`,
		`return 0x10 + 1e3 + .5`,
		`return ("x"):len()`,
	} {
		text := "limit = 5; known = { cpu = true, app = 'yes' }; local high = 90; return function(e) " + body + " end"
		fn := luaFunction(t, c, text)
		if c.programOf(fn, ofEvent) == nil {
			t.Errorf("%s\nis not compiled: %s", body, c.chunks.natives[fn.Proto].programs[ofEvent].why)
			continue
		}
		for i := range events {
			if problem := compareNative(c, fn, &events[i]); problem != "" {
				t.Errorf("%s\nof %s: %s", body, showEvent(&events[i]), problem)
			}
		}
	}
}

// compareNative says where a function's program and the VM differ about an
// event, if they do.
func compareNative(c *Config, fn *lua.LFunction, e *engine.Event) string {
	p := c.programOf(fn, ofEvent)
	if p == nil {
		return ""
	}
	inVM := keyFunction{c, fn, nil}
	want, wantErr := inVM.Value(e)
	got, err := keyFunction{c, fn, p}.Value(e)
	if !sameValue(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		return fmt.Sprintf("compiled %#v, %v; in the VM %#v, %v", got, err, want, wantErr)
	}
	holds, wantErr := function{c, fn, nil}.Match(e)
	if got, err := (function{c, fn, p}).Match(e); got != holds || fmt.Sprint(err) != fmt.Sprint(wantErr) {
		return fmt.Sprintf("compiled it holds: %v, %v; in the VM: %v, %v", got, err, holds, wantErr)
	}
	decided := map[bool]engine.Verdict{false: engine.Never, true: engine.Always}[holds]
	if v := (function{c, fn, p}).Static(e.ID); v != engine.Maybe && (v != decided || wantErr != nil) {
		return fmt.Sprintf("the identity decides %v; in the VM it holds: %v, %v", v, holds, wantErr)
	}
	return ""
}

func sameValue(a, b engine.Value) bool {
	return a == b || a.Kind == b.Kind && math.IsNaN(a.Num) && math.IsNaN(b.Num)
}

// TestNativeDecides tells what programs decide without the VM.
func TestNativeDecides(t *testing.T) {
	c := mustLoad(t, "", Options{})
	e := nativeEvents(c)[0]
	for body, sure := range map[string]bool{
		`return e.metric > 5`:                  true,
		`return e.price + 1`:                   true,
		`return e.service:find "cpu"`:          true,
		`return e.service:match "^cpu"`:        true,
		`return tonumber(e.price)`:             true,
		`return known.cpu`:                     true,
		`return e.service:find(e.host .. "?")`: false, // a pattern is the VM's
		`return e.state > 5`:                   false,
		`return known`:                         false,
		`return missing.field`:                 false,
		`local s = e.service ` + strings.Repeat("s = s .. s ", 20) + `return s`: false, // too large
		`return e:tagged "eu" and e.host:len()`:                                 true,
	} {
		fn := luaFunction(t, c, "known = { cpu = 1 } return function(e) "+body+" end")
		if _, ok := c.native.runValue(c.programOf(fn, ofEvent), fn, &e); ok != sure {
			t.Errorf("%s: decided: %v", body, ok)
		}
	}
}

// TestNativeStatic tells what the identity alone decides.
func TestNativeStatic(t *testing.T) {
	c := mustLoad(t, "", Options{})
	e := nativeEvents(c)[0]
	for body, want := range map[string]engine.Verdict{
		`return e.service == "cpu/percent-user"`:               engine.Always,
		`return e.service == "x" and e.metric > 5`:             engine.Never,
		`return e.service == "x" and e.metric > 5 and e.state`: engine.Never,
		`return e.host == "web1" and e.metric > 5`:             engine.Maybe,
		`return e.metric > 5 and e.host == "x"`:                engine.Maybe,
		`return e.service == "x" or e.metric > 5`:              engine.Maybe,
		`return e:tagged "prod" and not e.nothing`:             engine.Always,
		`return not e:tagged("pr" .. "od") and e.metric`:       engine.Never,
		`return e.host < 5`:                                    engine.Maybe, // an error
		`return e.host == up`:                                  engine.Maybe,
		`return e.host:lower() == "x"`:                         engine.Maybe,
		`if e.host == "x" then return true end return false`:   engine.Maybe,
		`local e = { host = "x" } return e.host == "x"`:        engine.Maybe,
	} {
		fn := luaFunction(t, c, "local up = 1 return function(e) "+body+" end")
		p, _, err := c.predicate(fn)
		if got := p.Static(e.ID); err != nil || got != want {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
}

// TestNativeRefuses tells which functions stay in the VM, and why.
func TestNativeRefuses(t *testing.T) {
	c := mustLoad(t, "", Options{})
	for text, why := range map[string]string{
		`function(...) return 1 end`:                                       "it takes any number of arguments (line 1)",
		`function(e, f) return 1 end`:                                      "it takes more than one argument (line 1)",
		`function(e) return e end`:                                         "it uses e other than by its fields (line 1)",
		`function(e) return e.tags end`:                                    "it reads e.tags, which is not one value (line 1)",
		`function(e) return e[e.host] end`:                                 "it reads a field whose name is not written out (line 1)",
		`function(e) return e.host:rep(3) end`:                             "it calls :rep (line 1)",
		"function(e)\n print(1) end":                                       "it has a call whose result it does not use (line 2)",
		`function(e) return index("metric"):count() end`:                   "it calls :count (line 1)",
		`function(e) return e.host:find("x", 1) end`:                       "it calls :find with another number of arguments than usual (line 1)",
		`function(e) return (e.host .. "x")() end`:                         "it calls what is not a name (line 1)",
		`function(e) return e.host:match "^%a+" end`:                       "it looks for a pattern (line 1)",
		`function(e) return string.find(e.host, "") end`:                   "it looks for a pattern (line 1)",
		`function(e) return other(e) end`:                                  "it calls other (line 1)",
		`function(e) for i = 1, 3 do end return 1 end`:                     "it has a loop (line 1)",
		`function(e) while true do end end`:                                "it has a loop (line 1)",
		`function(e) seen = e.host end`:                                    "it assigns to what is not one local variable (line 1)",
		`function(e) return { e.host } end`:                                "it has a table (line 1)",
		`function(e) return 1, 2 end`:                                      "it returns more than one value (line 1)",
		`function(e) return function() end end`:                            "it has a function of its own (line 1)",
		`function(e) return tostring(e.host:match "x") end`:                "it hands on all results of a call (line 1)",
		`function(e) local a, b = e.host:find "x" return b end`:            "it declares variables from another number of values (line 1)",
		`function(e) return e.host and -0 end`:                             "it has the constant -0 (line 1)",
		`function(e) return string.format("%d", e.metric) == "1" end`:      "it calls string.format (line 1)",
		`function(e) local a,b,c,d,f,g,h,i,j,k,l,m,n,o,p,q,r return a end`: "it has more than 16 local variables (line 1)",
	} {
		fn := luaFunction(t, c, "return "+text)
		if got := c.chunks.natives[fn.Proto].programs[ofEvent].why; got != why {
			t.Errorf("%s\n got %q\nwant %q", text, got, why)
		}
	}
}

// TestNativeSeesChanges changes what a program reads from outside.
func TestNativeSeesChanges(t *testing.T) {
	c := mustLoad(t, "", Options{})
	e := nativeEvents(c)[0]
	for name, text := range map[string]string{
		"variable": `local limit = 1
			return function(e) return e.metric > limit end, function() limit = 1000 end`,
		"global": `limit = 1
			return function(e) return e.metric > limit end, function() limit = 1000 end`,
		"table": `local limits = { cpu = 1 }
			return function(e) return e.metric > limits.cpu end, function() limits.cpu = 1000 end`,
		"metatable": `local limits = {}
			return function(e) return not limits.cpu end, function() setmetatable(limits, { __index = function() return 1 end }) end`,
		"library":          `return function(e) return math.floor(e.metric) > 1 end, function() math = { floor = function() return 0 end } end`,
		"library function": `return function(e) return string.len(e.host) > 1 end, function() string.len = function() return 0 end end`,
		"method":           `return function(e) return e.host:lower() == "web1" end, function() string.lower = function() return "" end end`,
		"methods":          `return function(e) return e.host:lower() == "web1" end, function() getmetatable("").__index = { lower = function() return "" end } end`,
		"arithmetic":       `return function(e) return e.price + 1 > 1 end, function() getmetatable("").__add = function() return 0 end end`,
	} {
		c := mustLoad(t, "", Options{})
		luaResult(t, c, "made = function() "+text+" end")
		fn := luaFunction(t, c, "local f, g = made() change = g return f")
		p, _, err := c.predicate(fn)
		if err != nil || p.(function).program == nil {
			t.Fatalf("%s: it is not compiled: %v", name, err)
		}
		if ok, err := p.Match(&e); !ok || err != nil {
			t.Errorf("%s: before the change it gives %v, %v", name, ok, err)
		}
		if name == "metatable" {
			if v := c.native.runTest(p.(function).program, fn, &e); v != yes {
				t.Errorf("without a metatable a missing field is left to the VM")
			}
		}
		luaResult(t, c, "change()")
		if ok, err := p.Match(&e); ok || err != nil {
			t.Errorf("%s: after the change it gives %v, %v", name, ok, err)
		}
		if want := ""; compareNative(c, fn, &e) != want {
			t.Errorf("%s: %s", name, compareNative(c, fn, &e))
		}
	}
}

// TestNativeOfOneLine tells several functions of one line apart.
func TestNativeOfOneLine(t *testing.T) {
	c := mustLoad(t, "", Options{})
	e := nativeEvents(c)[0]
	for i := 1; i <= 3; i++ {
		fn := luaFunction(t, c, fmt.Sprintf(`local a, b, c = function(e) return 1 end, function(e) return (function() return 9 end)() end, function(e) return 3 end
			return ({ a, b, c })[%d]`, i))
		p := c.programOf(fn, ofEvent)
		if (p == nil) != (i == 2) {
			t.Errorf("function %d: %v", i, c.chunks.natives[fn.Proto].programs[ofEvent].why)
		}
		if p != nil {
			if v, ok := c.native.runValue(p, fn, &e); !ok || v.Num != float64(i) {
				t.Errorf("function %d returns %v", i, v)
			}
		}
		if fn.Proto.LastLineDefined != 1 {
			t.Errorf("function %d ends on line %d", i, fn.Proto.LastLineDefined)
		}
	}
}

// TestNativeMap holds functions given to map against the VM.
func TestNativeMap(t *testing.T) {
	c := mustLoad(t, "", Options{})
	for _, body := range []string{
		`return e`,
		`return nil`,
		``,
		`return e:with { metric = e.metric * 2 }`,
		`return e:with { state = "x", description = e.host, time = 5.25, ttl = 0.5 }`,
		`return e:with { state = none, metric = none }`,
		`return e:with { state = none, host = none, role = none }`,
		`return e:with { state = e.nothing }`,
		`return e:with { metric = e.host }`,
		`return e:with { host = 5 }`,
		`return e:with { role = 5, zone = true, service = e.host .. "x" }`,
		`return e:with { zone = known }`,
		`return e:with {}`,
		`return e.metric and e or nil`,
		`return e.metric and e:with { state = "has" } or e`,
		`return e.metric == 95.5 and e`,
		`return e.nothing and e`,
		`if e.metric > 5 then return e:with { state = "critical" } end return e`,
		`if not e.metric then return end local m = e.metric / 2 return e:with { metric = m }`,
	} {
		fn := luaFunction(t, c, "known = {} return function(e) "+body+" end")
		if c.programOf(fn, eventToEvent) == nil {
			t.Errorf("%s\nis not compiled: %s", body, c.chunks.natives[fn.Proto].programs[eventToEvent].why)
		}
		native := c.mapFunc(fn)
		compiled := c.chunks.natives[fn.Proto]
		delete(c.chunks.natives, fn.Proto)
		inVM := c.mapFunc(fn)
		c.chunks.natives[fn.Proto] = compiled
		for _, e := range nativeEvents(c) {
			want, wantKept, wantErr := inVM(&e)
			got, kept, err := native(&e)
			if kept != wantKept || fmt.Sprint(err) != fmt.Sprint(wantErr) || kept && showEvent(&got)+fmt.Sprint(got.Arrival, got.Depth) != showEvent(&want)+fmt.Sprint(want.Arrival, want.Depth) {
				t.Errorf("%s\nof %s: compiled %s, %v, %v; in the VM %s, %v, %v", body, showEvent(&e), showEvent(&got), kept, err, showEvent(&want), wantKept, wantErr)
			}
		}
	}
}

// TestNativeAdjust runs a function over a field's value.
func TestNativeAdjust(t *testing.T) {
	c := mustLoad(t, "", Options{})
	fn := luaFunction(t, c, `return function(v) if v then return v * 2 end return 0 end`)
	p := c.programOf(fn, ofValue)
	if p == nil {
		t.Fatal("it is not compiled")
	}
	for _, v := range []engine.Value{{}, engine.NumberValue(4), engine.TextValue("3"), engine.TextValue("x"), engine.BoolValue(true)} {
		got, ok := c.native.runAdjust(p, fn, v)
		want, err := c.call(fn, luaValue(v))
		if sure := err == nil; sure != ok {
			t.Errorf("of %v: decided: %v; in the VM %v", v, ok, err)
		} else if w, _ := valueOf(want); sure && got != w {
			t.Errorf("of %v: compiled %v, in the VM %v", v, got, w)
		}
	}
}

// TestFunctions tells how each function of a file runs.
func TestFunctions(t *testing.T) {
	c := mustLoad(t, `events:where(function(e) return e.metric > 1 end):map(function(e) return e:with { metric = 1 } end)
		:by(function(e) return e.host:rep(2) end):adjust("metric", function(m) return m end):flatmap(function(e) return { e } end)
	rule "r" { every = 1, eval = function()
		return index(function(e) return e.state == "ok" end):count() > 1 and "ok" or "critical"
	end }`, Options{})
	unused := "nothing took it as a pred or a key, or for map or adjust, when the file was loaded"
	want := []Function{
		{Line: 1, Native: true}, {Line: 1, Native: true}, {Line: 2, Why: "it calls :rep (line 2)"},
		{Line: 2, Native: true}, {Line: 2, Why: unused}, {Line: 3, Why: unused}, {Line: 4, Why: unused},
	}
	got := c.Functions()
	for i := range got {
		got[i].File = ""
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
