---@meta tocsin

--# Change
--- Operators that pass changed events.

---@class Stream
local Stream = {}

--- Passes what fn returns; nil drops the event. A list is changed event by event.
---
--- ```lua
--- local out = t:run(function(s)
---   return s:map(function(e) return e.metric and e:with { metric = e.metric / 1024 } end)
--- end, { { metric = 2048 }, {} })
--- t:match(out, { { metric = 2 } })
--- ```
---@param fn fun(e: Event): Fields?
---@return Stream
function Stream:map(fn) end

--- Passes what fn makes of each list: a list, an event, or nil for nothing.
---
--- ```lua
--- local out = t:run(function(s)
---   return s:batch(2, 60):map_list(function(list) return #list == 2 and list or nil end)
--- end, { { metric = 1 }, { metric = 2 }, { metric = 3 }, 60 })
--- t:match(out, { { { metric = 1 }, { metric = 2 } } })
--- ```
---@param fn fun(list: Event[]): Fields|FieldsList|nil
---@return Stream
function Stream:map_list(fn) end

--- Passes each element of the list that fn returns.
---
--- ```lua
--- local out = t:run(function(s)
---   return s:flatmap(function(e) return { e, e:with { service = "copy" } } end)
--- end, { { service = "web" } })
--- t:match(out, { { service = "web" }, { service = "copy" } })
--- ```
---@param fn fun(e: Event): Fields[]?
---@return Stream
function Stream:flatmap(fn) end

--- Sets fields.
---
--- ```lua
--- local out = t:run(function(s) return s:with { state = "ok", zone = none } end, { { state = "bad", zone = "b" } })
--- t:match(out, { { state = "ok", zone = none } })
--- ```
---@param fields Fields
---@return Stream
function Stream:with(fields) end

--- Sets the fields that are absent.
---
--- ```lua
--- local out = t:run(function(s) return s:default { ttl = 300 } end, { { ttl = 5 }, {} })
--- t:match(out, { { ttl = 5 }, { ttl = 300 } })
--- ```
---@param fields Fields
---@return Stream
function Stream:default(fields) end

--- Sets a field to what fn makes of its value.
---
--- ```lua
--- local out = t:run(function(s) return s:adjust("host", function(host) return host:match "^[^.]+" end) end, { { host = "web1.example.org" } })
--- t:match(out, { { host = "web1" } })
--- ```
---@param field string
---@param fn fun(value: any): any
---@return Stream
function Stream:adjust(field, fn) end

--- Multiplies the metric by x; without a metric an event passes unchanged.
---
--- ```lua
--- local out = t:run(function(s) return s:scale(8) end, { { metric = 2 } })
--- t:match(out, { { metric = 16 } })
--- ```
---@param x number
---@return Stream
function Stream:scale(x) end

--- Adds tags in front, without doubles.
---
--- ```lua
--- local out = t:run(function(s) return s:tag("shop", "web") end, { { tags = { "web" } } })
--- t:match(out, { { tags = { "shop", "web" } } })
--- ```
---@param tag string
---@param ... string
---@return Stream
function Stream:tag(tag, ...) end

--- Removes tags.
---
--- ```lua
--- local out = t:run(function(s) return s:untag "lab" end, { { tags = { "lab", "web" } } })
--- t:match(out, { { tags = { "web" } } })
--- ```
---@param tag string
---@param ... string
---@return Stream
function Stream:untag(tag, ...) end

---@class ClassifyOptions
---@field critical? Pred # the state is critical when it holds
---@field warning? Pred # otherwise warning when this holds, otherwise ok

--- Sets the state: critical if its pred holds, else warning if its does, else ok. Other states stand in a list, with the name of the rest last.
---
--- ```lua
--- local out = t:run(function(s) return s:classify { critical = "metric > 95", warning = "metric > 80" } end,
---   { { metric = 99 }, { metric = 90 }, { metric = 10 } })
--- t:match(out, { { state = "critical" }, { state = "warning" }, { state = "ok" } })
--- out = t:run(function(s) return s:classify { { "major", "metric > 95" }, { "minor", "metric > 80" }, "fine" } end, { { metric = 90 } })
--- t:match(out, { { state = "minor" } })
--- ```
---@param options ClassifyOptions|any[]
---@return Stream
function Stream:classify(options) end

---@class ThresholdOptions
---@field warning? number # beyond it the state is warning
---@field critical? number # beyond it the state is critical
---@field below? boolean # beyond means below the limit instead of above; default false
---@field hysteresis? number # how far back the metric must be for a state to be left; default 0
---@field hits? integer # events in a row that call for a state, before it is taken; default 1

--- Sets the state by limits; a state is left only when the metric is back by the hysteresis.
---
--- ```lua
--- local out = t:run(function(s) return s:threshold { critical = 90, hysteresis = 5 } end,
---   { { metric = 91 }, { metric = 88 }, { metric = 85 } })
--- t:match(out, { { state = "critical" }, { state = "critical" }, { state = "ok" } })
--- ```
---@param options ThresholdOptions
---@return Stream
function Stream:threshold(options) end
