---@meta tocsin

--# Group and compare
--- Operators that keep events apart, and that compare them with those before.

---@class Stream
local Stream = {}

--- Keeps everything behind it apart for each combination of keys.
---
--- ```lua
--- local out = t:run(function(s) return s:by "host":counter() end,
---   { { host = "a", metric = 1 }, { host = "b", metric = 5 }, { host = "a", metric = 2 } })
--- t:match(out, { { host = "a", metric = 1 }, { host = "b", metric = 5 }, { host = "a", metric = 3 } })
--- ```
---@param key Key
---@param ... Key
---@return Stream
function Stream:by(key, ...) end

---@class ChangedOptions
---@field init? any # the value before the first event; without it the first event passes
---@field pairs? boolean # pass the list { before, now }; default false

--- Passes an event when its key differs from that of the one before.
---
--- ```lua
--- local out = t:run(function(s) return s:changed("state", { init = "ok" }) end,
---   { { state = "ok" }, { state = "critical" }, { state = "critical" }, { state = "ok" } })
--- t:match(out, { { state = "critical" }, { state = "ok" } })
--- ```
---@param key Key
---@param options? ChangedOptions
---@return Stream
function Stream:changed(key, options) end

--- Passes events whose key stays the same for dt seconds or longer; they are held back until that is sure.
---
--- ```lua
--- local out = t:run(function(s) return s:stable(10, "state") end,
---   { { time = 0, state = "ok" }, { time = 4, state = "bad" }, { time = 5, state = "ok" }, { time = 15, state = "ok" } })
--- t:match(out, { { time = 5, state = "ok" }, { time = 15, state = "ok" } })
--- ```
---@param dt number # seconds
---@param key Key
---@return Stream
function Stream:stable(dt, key) end

--- Passes the newest event when the last n share the key.
---
--- ```lua
--- local out = t:run(function(s) return s:runs(2, "state") end, { { state = "bad" }, { state = "ok" }, { state = "ok" } })
--- t:match(out, { { state = "ok" } })
--- ```
---@param n integer
---@param key Key
---@return Stream
function Stream:runs(n, key) end

--- Passes an event for which pred holds when it held for k of the last n.
---
--- ```lua
--- local out = t:run(function(s) return s:at_least(2, 3, "metric > 5") end,
---   { { metric = 9 }, { metric = 1 }, { metric = 8 }, { metric = 1 } })
--- t:match(out, { { metric = 8 } })
--- ```
---@param k integer
---@param n integer
---@param pred Pred
---@return Stream
function Stream:at_least(k, n, pred) end

---@class FlappingOptions
---@field window? number # seconds; default 300
---@field high? integer # changes within the window from which it flaps; default 5
---@field low? integer # changes down to which it ends; default 2

--- Sets the attribute `flapping` to "true" while the state changes often, otherwise to "false".
---
--- ```lua
--- local out = t:run(function(s) return s:flapping { window = 60, high = 2, low = 0 } end,
---   { { time = 1, state = "ok" }, { time = 2, state = "bad" }, { time = 3, state = "ok" } })
--- t:match(out, { { flapping = "false" }, { flapping = "false" }, { flapping = "true" } })
--- ```
---@param options? FlappingOptions
---@return Stream
function Stream:flapping(options) end

--- Returns two streams: the events in the k largest by key per host and service, and the others. One that is demoted leaves as an expired event.
---
--- ```lua
--- local out = t:run(function(s) local largest = s:top(1, "metric") return largest end,
---   { { host = "a", metric = 1 }, { host = "b", metric = 2 } })
--- t:match(out, { { host = "a", metric = 1 }, { host = "a", state = "expired" }, { host = "b", metric = 2 } })
--- ```
---@param k integer
---@param key Key
---@return Stream largest
---@return Stream others
function Stream:top(k, key) end

--- Joins streams: what passes any of them passes the merged one.
---
--- ```lua
--- local out = t:run(function(s) return merge(s:over(9), s:under(1)) end, { { metric = 10 }, { metric = 5 }, { metric = 0 } })
--- t:match(out, { { metric = 10 }, { metric = 0 } })
--- ```
---@param stream Stream
---@param ... Stream
---@return Stream
function merge(stream, ...) end
