---@meta tocsin

--# Filter
--- Operators that pass some events and drop the others.

--- A place in the flow of events. Each method returns a new stream; one kept in a variable can be branched from as often as you like.
---@class Stream
local Stream = {}

--- All events: what a source or a rule hands in, and every expiry.
---@type Stream
events = {}

--- Passes the events for which pred holds.
---
--- ```lua
--- local out = t:run(function(s) return s:where "metric > 1" end, { { metric = 1 }, { metric = 2 } })
--- t:match(out, { { metric = 2 } })
--- ```
---@param pred Pred
---@return Stream
function Stream:where(pred) end

--- Returns a stream for each pred, and one for the rest; an event goes to the first whose pred holds.
---
--- ```lua
--- local out = t:run(function(s)
---   local high, low, rest = s:split("metric > 9", "metric < 1")
---   return merge(high:with { state = "high" }, low:with { state = "low" }, rest:with { state = "fine" })
--- end, { { metric = 10 }, { metric = 5 }, { metric = 0 } })
--- t:match(out, { { state = "high" }, { state = "fine" }, { state = "low" } })
--- ```
---@param pred Pred
---@param ... Pred
---@return Stream ...
function Stream:split(pred, ...) end

--- Passes the events that have all of the tags.
---
--- ```lua
--- local out = t:run(function(s) return s:tagged("web", "prod") end, { { tags = { "web", "prod" } }, { tags = { "web" } } })
--- t:match(out, { { tags = { "web", "prod" } } })
--- ```
---@param tag string
---@param ... string
---@return Stream
function Stream:tagged(tag, ...) end

--- Passes the events that have any of the tags.
---
--- ```lua
--- local out = t:run(function(s) return s:tagged_any("web", "db") end, { { tags = { "web" } }, { tags = { "mail" } } })
--- t:match(out, { { tags = { "web" } } })
--- ```
---@param tag string
---@param ... string
---@return Stream
function Stream:tagged_any(tag, ...) end

--- Passes the events whose metric is above x.
---
--- ```lua
--- local out = t:run(function(s) return s:over(90) end, { { metric = 90 }, { metric = 91 }, {} })
--- t:match(out, { { metric = 91 } })
--- ```
---@param x number
---@return Stream
function Stream:over(x) end

--- Passes the events whose metric is below x.
---
--- ```lua
--- local out = t:run(function(s) return s:under(10) end, { { metric = 9 }, { metric = 10 }, {} })
--- t:match(out, { { metric = 9 } })
--- ```
---@param x number
---@return Stream
function Stream:under(x) end

--- Passes the events that have expired: by their state, or because their ttl has passed since they arrived.
---
--- ```lua
--- local out = t:run(function(s) return s:expired() end, { { state = "ok" }, { state = "expired" } })
--- t:match(out, { { state = "expired" } })
--- ```
---@return Stream
function Stream:expired() end

--- Passes the events that have not expired.
---
--- ```lua
--- local out = t:run(function(s) return s:live() end, { { state = "ok" }, { state = "expired" } })
--- t:match(out, { { state = "ok" } })
--- ```
---@return Stream
function Stream:live() end
