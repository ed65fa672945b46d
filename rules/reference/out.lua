---@meta tocsin

--# Out
--- Operators by which events leave a stream. All but catch pass the event on.

---@class Stream
local Stream = {}

--- Hands the event, or the list, to sinks.
---
--- ```lua
--- events:where "metric > 9":to(sink.pagerduty { routing_key = secret "PAGERDUTY_KEY" })
--- t:send({ metric = 1 }, { metric = 10 })
--- t:match(t:received "pagerduty", { { metric = 10 } })
--- ```
---@param sink Sink
---@param ... Sink
---@return Stream
function Stream:to(sink, ...) end

--- Hands the event back to the engine as a derived one: it is indexed, and goes through `events`.
---
--- ```lua
--- events:where 'service = "ms"':scale(0.001):with { service = "seconds" }:emit()
--- events:where 'service = "seconds"':tap "derived"
--- t:send { host = "web1", service = "ms", metric = 250 }
--- t:match(t:tapped "derived", { { host = "web1", metric = 0.25 } })
--- ```
---@return Stream
function Stream:emit() end

--- Puts the event into the index only.
---
--- ```lua
--- events:where 'service = "ms"':with { service = "seconds" }:index()
--- t:send { host = "web1", service = "ms", metric = 250 }
--- t:match({ lookup("web1", "seconds") }, { { metric = 250 } })
--- ```
---@return Stream
function Stream:index() end

--- Calls fn with the event, or with the list.
---
--- ```lua
--- local seen = {}
--- events:each(function(e) seen[#seen + 1] = e.host end)
--- t:send({ host = "a" }, { host = "b" })
--- t:eq(seen, { "a", "b" })
--- ```
---@param fn fun(e: Event)
---@return Stream
function Stream:each(fn) end

--- Records what passes, in tests; otherwise does nothing.
---
--- ```lua
--- events:over(9):tap "high"
--- t:send({ metric = 1 }, { metric = 10 })
--- t:match(t:tapped "high", { { metric = 10 } })
--- ```
---@param name string
---@return Stream
function Stream:tap(name) end

--- Returns two streams: what passes, and the errors of the operators before it, back to the last catch, as events.
---
--- ```lua
--- local out = t:run(function(s)
---   local passed, errors = s:map(function(e) return e:with { metric = e.metric + 1 } end):catch()
---   return merge(passed, errors:with { description = "no metric" })
--- end, { { metric = 1 }, { host = "a" } })
--- t:match(out, { { metric = 2 }, { service = "tocsin error", description = "no metric" } })
--- ```
---@return Stream passed
---@return Stream errors
function Stream:catch() end
