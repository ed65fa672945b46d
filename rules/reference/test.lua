---@meta tocsin

--# Tests
--- What a `*_test.lua` sees besides: `tocsin test` runs it, on a clock that stands at 0 and moves only as told.

--- Declares a test.
---
---@param name string
---@param fn fun(t: Test)
function test(name, fn) end

--- Runs the rules file under test, afresh for each test, and returns what it returns.
---
---@param path string # relative to this file
---@return any
function config(path) end

--- The argument of a test.
---@class Test
local Test = {}

--- Hands events in; the clock moves to an event's time first, if that is later.
---
--- ```lua
--- t:send { host = "a", time = 60 }
--- t:eq(t:now(), 60)
--- ```
---@param event Fields
---@param ... Fields
function Test:send(event, ...) end

--- Moves the clock, firing what is due in order.
---
--- ```lua
--- t:send { host = "a", service = "web", ttl = 60 }
--- t:advance(61)
--- t:match({ lookup("a", "web") }, { { state = "expired" } })
--- ```
---@param dt number # seconds
function Test:advance(dt) end

--- Sends the events of a recording: JSON lines, graphite lines, or a captured binary. The first one sets the clock if that stands at 0.
---
---@param file string # relative to this file
function Test:replay(file) end

--- Returns the list of what the sink of that name got so far.
---
--- ```lua
--- events:to(sink.led { driver = "terminal", pixels = 60 })
--- t:send { host = "a" }
--- t:match(t:received "led", { { host = "a" } })
--- ```
---@param sink string
---@return any[] # events, or lists of them
function Test:received(sink) end

--- Returns the list of what passed the tap.
---
--- ```lua
--- events:tap "all"
--- t:send { host = "a" }
--- t:match(t:tapped "all", { { host = "a" } })
--- ```
---@param name string
---@return any[] # events, or lists of them
function Test:tapped(name) end

--- Builds a stream apart from the configuration, feeds it, and returns the list of what came out. In the script a table is an event, a list of tables a list, a number moves the clock.
---
--- ```lua
--- local out = t:run(function(s) return s:rate(1) end, { { metric = 1 }, { metric = 3 }, 1 })
--- t:match(out, { { metric = 4, time = 1 } })
--- ```
---@param build fun(s: Stream): Stream
---@param script (Fields|FieldsList|number)[]
---@return any[] # events, or lists of them
function Test:run(build, script) end

--- Returns the clock, in seconds.
---
--- ```lua
--- t:advance(1.5)
--- t:eq(t:now(), 1.5)
--- ```
---@return number
function Test:now() end

--- Wants two values to be equal, deeply.
---
--- ```lua
--- t:eq({ 1, { a = 2 } }, { 1, { a = 2 } })
--- ```
---@param a any
---@param b any
function Test:eq(a, b) end

--- Wants a list of as many events, each with at least the fields that are named; `none`: absent.
---
--- ```lua
--- t:match({ event { host = "a", metric = 1 } }, { { metric = 1, state = none } })
--- ```
---@param actual any # a list of events, or of lists
---@param expected (Fields|FieldsList)[]
function Test:match(actual, expected) end

--- Wants a value that is neither nil nor false.
---
--- ```lua
--- t:ok(1 < 2, "numbers")
--- ```
---@param value any
---@param message? any # said when it is not so
function Test:ok(value, message) end

--- Wants fn to raise an error whose text matches the Lua pattern.
---
--- ```lua
--- t:error(function() error "no such host" end, "no such")
--- ```
---@param fn function
---@param pattern? string
function Test:error(fn, pattern) end
