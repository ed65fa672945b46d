---@meta tocsin

--# Windows
--- Operators that pass lists of events.

---@class Stream
local Stream = {}

--- Passes the list of the last n events, on each event.
---
--- ```lua
--- local out = t:run(function(s) return s:moving_window(2) end, { { metric = 1 }, { metric = 2 }, { metric = 3 } })
--- t:match(out, { { { metric = 1 } }, { { metric = 1 }, { metric = 2 } }, { { metric = 2 }, { metric = 3 } } })
--- ```
---@param n integer
---@return Stream
function Stream:moving_window(n) end

--- Passes lists of n events, n at a time.
---
--- ```lua
--- local out = t:run(function(s) return s:fixed_window(2) end, { { metric = 1 }, { metric = 2 }, { metric = 3 } })
--- t:match(out, { { { metric = 1 }, { metric = 2 } } })
--- ```
---@param n integer
---@return Stream
function Stream:fixed_window(n) end

--- Passes, on each event, the list of the events less than dt older than the newest.
---
--- ```lua
--- local out = t:run(function(s) return s:moving_time_window(10) end, { { time = 0, metric = 1 }, { time = 9, metric = 2 }, { time = 10, metric = 3 } })
--- t:match({ out[3] }, { { { metric = 2 }, { metric = 3 } } })
--- ```
---@param dt number # seconds
---@return Stream
function Stream:moving_time_window(dt) end

---@class FixedTimeWindowOptions
---@field aligned? boolean # windows begin at multiples of dt, instead of at the first event; default false
---@field late? number # seconds for which a window waits for late events; default 0

--- Passes the list of each dt of the events' time, when the clock or a newer event has reached its end.
---
--- ```lua
--- local out = t:run(function(s) return s:fixed_time_window(10) end, { { time = 1, metric = 1 }, { time = 5, metric = 2 }, { time = 11, metric = 3 } })
--- t:match(out, { { { metric = 1 }, { metric = 2 } } })
--- ```
---@param dt number # seconds
---@param options? FixedTimeWindowOptions
---@return Stream
function Stream:fixed_time_window(dt, options) end

--- Passes the list of the newest event for each pred, whenever one comes; `none` stands where there is none yet.
---
--- ```lua
--- local out = t:run(function(s) return s:project('service = "used"', 'service = "size"') end,
---   { { service = "used", metric = 5 }, { service = "size", metric = 10 } })
--- t:match({ out[2] }, { { { metric = 5 }, { metric = 10 } } })
--- ```
---@param pred Pred
---@param ... Pred
---@return Stream
function Stream:project(pred, ...) end
