---@meta tocsin

--# Lists to events
--- Operators that make events of lists.

---@class Stream
local Stream = {}

--- Passes one event for each list: by name over the metrics, or what fn makes of the list.
---
--- ```lua
--- local out = t:run(function(s) return s:fixed_window(2):fold "mean" end, { { metric = 1 }, { metric = 3 } })
--- t:match(out, { { metric = 2 } })
--- ```
---@param how "sum"|"product"|"mean"|"median"|"stddev"|"mode"|"min"|"max"|"count"|fun(list: Event[]): Fields?
---@return Stream
function Stream:fold(how) end

--- Passes the events at these points of the list sorted by metric, with the service suffixed by the point.
---
--- ```lua
--- local out = t:run(function(s) return s:fixed_window(3):sorted_sample { 0, 1 } end,
---   { { service = "api", metric = 3 }, { service = "api", metric = 9 }, { service = "api", metric = 5 } })
--- t:match(out, { { service = "api 0", metric = 3 }, { service = "api 1", metric = 9 } })
--- ```
---@param points number[] # each from 0 to 1
---@return Stream
function Stream:sorted_sample(points) end

--- Passes each element of a list by itself.
---
--- ```lua
--- local out = t:run(function(s) return s:flatten() end, { { { metric = 1 }, { metric = 2 } } })
--- t:match(out, { { metric = 1 }, { metric = 2 } })
--- ```
---@return Stream
function Stream:flatten() end
