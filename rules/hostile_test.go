package rules

import (
	"strings"
	"testing"
)

// TestHostile runs what could hang or crash the process. Each line must come
// to an end, and leave the state in order.
func TestHostile(t *testing.T) {
	for _, text := range []string{
		`local t = setmetatable({}, {}) getmetatable(t).__index = function(s, k) return s[k] end return t.x`,
		`local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x`,
		`local t = setmetatable({}, {}) getmetatable(t).__tostring = function(s) return tostring(s) end return tostring(t)`,
		`local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b end return t .. t`,
		`local t = setmetatable({}, {}) getmetatable(t).__call = function(s) return s() end return t()`,
		`local t = setmetatable({}, {}) getmetatable(t).__newindex = function(s, k, v) s[k] = v end t.x = 1`,
		`error(setmetatable({}, { __tostring = function() error(setmetatable({}, { __tostring = error })) end }))`,
		`local m = {} m.__tostring = function() error(setmetatable({}, m)) end error(setmetatable({}, m))`,
		`local function f() return pcall(f) end return f()`,
		`local function f() return xpcall(f, f) end return f()`,
		`local function f() pcall(f) pcall(f) end f()`,
		`local function f(...) return f(1, ...) end f()`,
		`local function f() return coroutine.wrap(f)() end f()`,
		`local function f() coroutine.resume(coroutine.create(f)) end f()`,
		`local co co = coroutine.wrap(function() co() end) co()`,
		`local co co = coroutine.create(function() return coroutine.resume(co) end) coroutine.resume(co)`,
		`coroutine.yield()`,
		`events:where(function() coroutine.yield() end) coroutine.wrap(function() pcall(coroutine.yield) end)()`,
		`while true do coroutine.create(function() end) end`,
		`return unpack({}, 1, 1e8)`,
		`return unpack({}, -1e18, 1e18)`,
		`return string.format("%99999999999d", 1)`,
		`return string.format("%s")`,
		`return string.format(("%s"):rep(300))`,
		`return ("x"):rep(-1), ("x"):rep(0/0), ("x"):rep(1e300)`,
		`return ("x"):byte(1, -1), ("x"):byte(-1e9, 1e9), ("x"):sub(-1e18, 1e18)`,
		`return ("x"):find(("("):rep(1000))`,
		`return ("x"):find("%"), ("x"):find("[")`,
		`return ("a"):gsub("", "%9")`,
		`table.sort({ 3, 1, 2, 5, 4 }, function(a, b) return true end)`,
		`table.sort({ 3, 1, "x" })`,
		`local t = {} for i = 1, 100 do t[i] = i end table.sort(t, function(a, b) t[math.random(100)] = nil return a < b end)`,
		`return table.concat({ {} })`,
		`return table.concat({}, "x", 1, 1e9)`,
		`table.insert({}, -5, 1) table.remove({}, 5)`,
		`return next({}, "x")`,
		`for k in pairs(_G) do _G[k] = nil end`,
		`_G.string = nil return ("x"):rep(3)`,
		`setmetatable(_G, { __index = error }) return x`,
		`return math.random(0/0), math.random(1/0)`,
		`return math.random(-2^53, 2^53)`,
		`return math.floor("x")`,
		`return os.date("%"), os.date("!%c", 1e18), os.date("*t", -1e18)`,
		`return os.time { year = 1e10, month = 1, day = 1 }`,
		`return select(-1), select(1e9), select("x")`,
		`return tonumber("x", 99), tonumber(("1"):rep(1e6))`,
		`error()`, `error(nil)`, `error(none)`, `error(event {})`, `error(events)`,
		`return event(event {})`, `return event { [1] = 2 }`, `return event { [{}] = 2 }`, `return event { tags = { [5] = "x" } }`,
		`local t = {} t.tags = t return event(t)`,
		`local t = {} t[1] = t return events:classify(t)`,
		`local t = {} t.x = t source.graphite(t)`,
		`local t = {} t.templates = t source.graphite(t)`,
		`return events:by()`, `return events:split()`, `return events:project()`, `return merge()`, `return events:to()`,
		`return events:batch(1e300, 1e300)`, `return events:batch(0/0, 1)`, `return events:ewma(0/0)`, `return events:rate(1e300)`,
		`return events:percentiles(1, {})`, `return events:percentiles(1, { 5, -1, 0/0 })`, `return events:moving_window(1e9)`,
		`return events:fill(1, {}), events:top(0, "x")`,
		`local w = events.where w(5, 6)`, `events.where()`, `events.where(none, "x")`,
		`return none.x`, `none.x = 1`, `return none < none`, `return #events`, `return events .. "x"`, `return -events`,
		`return index("true").x`, `return (event {}).with()`, `return source.x`, `source.x = 1`, `return sink[1]`, `return source[{}]`,
		`return getmetatable(events).__index`, `setmetatable(events, {})`, `rawset(events, "x", 1)`, `return rawget(event {}, "x")`,
		`require()`, `require(5)`, `require ""`, `require "."`, `require "\0"`, `require(("x"):rep(1e6))`,
		`rule(5)`, `rule ""`, `rule "x" (5)`, `rule "x" { every = 1/0, eval = error }`, `every(1e-300, error)`, `every(-1, error)`,
		`local r = rule "x" r { every = 1, eval = error } r { every = 1, eval = error }`,
		`return all(all(index "true")), percent(1/0, index "true"), at_least(1.5, index "true")`,
		`settings { rule_timeout = -1 }`, `settings { ttl = 1e300 }`, `settings { identities = 1.5 }`, `settings { auto_index = 5 }`,
		`return secret "", secret(5), secret "../x"`,
	} {
		c := newConfig(Options{}, newChunks(Options{}))
		c.watch.limit.Store(int64(30e6))
		if err := c.loadText("x.lua", text, "testdata"); err != nil && !strings.HasPrefix(err.Error(), "x.lua:") {
			t.Errorf("%s\nan error without a place: %v", text, err)
		} else if err == nil {
			c.Start()
			c.Engine.Advance(0, 100)
		}
		if c.nested != 0 || c.watch.depth != 0 {
			t.Errorf("%s\nleft %d threads and %d calls", text, c.nested, c.watch.depth)
		}
		if v, err := c.runChunk(mustCompile(t, "return 1 + 1")); err != nil || v.String() != "2" {
			t.Errorf("%s\nafterwards 1 + 1 is %v, %v", text, v, err)
		}
		c.Close()
	}
}
