---@meta tocsin

--# Rate and smoothing
--- Rates, means, and what else sums up over time.

---@class Stream
local Stream = {}

--- Every dt, passes the sum of the metrics / dt, on the last event that had one.
---
--- ```lua
--- local out = t:run(function(s) return s:rate(2) end, { { metric = 1 }, { metric = 3 }, 2 })
--- t:match(out, { { metric = 2, time = 2 } })
--- ```
---@param dt number # seconds
---@return Stream
function Stream:rate(dt) end

--- Passes the metric's rate of change, from event to event, or every dt.
---
--- ```lua
--- local out = t:run(function(s) return s:ddt() end, { { time = 0, metric = 10 }, { time = 5, metric = 20 } })
--- t:match(out, { { time = 5, metric = 2 } })
--- ```
---@param dt? number # seconds
---@return Stream
function Stream:ddt(dt) end

--- Passes the exponentially weighted mean of the metric, in which what is halflife seconds old counts half; it begins at 0.
---
--- ```lua
--- local out = t:run(function(s) return s:ewma(1) end, { { time = 1, metric = 100 }, { time = 2, metric = 100 }, { time = 3, metric = 0 } })
--- t:match(out, { { metric = 50 }, { metric = 75 }, { metric = 37.5 } })
--- ```
---@param halflife number # seconds
---@return Stream
function Stream:ewma(halflife) end

--- Passes the exponentially weighted mean of the metric, by event: r of the new one and the rest of the mean so far.
---
--- ```lua
--- local out = t:run(function(s) return s:ewma_timeless(0.5) end, { { metric = 100 }, { metric = 100 } })
--- t:match(out, { { metric = 50 }, { metric = 75 } })
--- ```
---@param r number # from 0 to 1
---@return Stream
function Stream:ewma_timeless(r) end

--- Passes the running total of the metrics; an event tagged "reset" sets it.
---
--- ```lua
--- local out = t:run(function(s) return s:counter(10) end, { { metric = 1 }, { metric = 2 } })
--- t:match(out, { { metric = 11 }, { metric = 13 } })
--- ```
---@param init? number # default 0
---@return Stream
function Stream:counter(init) end

--- Passes fn(acc, e), which is the next acc. Without init the first event is the first acc, and is not passed.
---
--- ```lua
--- local out = t:run(function(s)
---   return s:reduce(function(acc, e) return e.metric > acc.metric and e or acc end)
--- end, { { metric = 3 }, { metric = 1 }, { metric = 7 } })
--- t:match(out, { { metric = 3 }, { metric = 7 } })
--- ```
---@param fn fun(acc: Event, e: Event): Fields?
---@param init? Fields
---@return Stream
function Stream:reduce(fn, init) end

--- Every dt, passes one event for each point, with the service suffixed by the point.
---
--- ```lua
--- local out = t:run(function(s) return s:percentiles(1, { 0, 1 }) end,
---   { { service = "api", metric = 3 }, { service = "api", metric = 9 }, { service = "api", metric = 5 }, 1 })
--- t:match(out, { { service = "api 0", metric = 3 }, { service = "api 1", metric = 9 } })
--- ```
---@param dt number # seconds
---@param points number[] # each from 0 to 1
---@return Stream
function Stream:percentiles(dt, points) end

---@class ApdexOptions
---@field satisfied Pred
---@field tolerated Pred

--- Every dt, passes (satisfied + tolerated / 2) / all, on the last event.
---
--- ```lua
--- local out = t:run(function(s) return s:apdex(1, { satisfied = "metric < 1", tolerated = "metric < 4" }) end,
---   { { metric = 0.5 }, { metric = 2 }, { metric = 9 }, { metric = 0.1 }, 1 })
--- t:match(out, { { metric = 0.625 } })
--- ```
---@param dt number # seconds
---@param options ApdexOptions
---@return Stream
function Stream:apdex(dt, options) end

--- Passes where a line through the last n events will be, s seconds ahead.
---
--- ```lua
--- local out = t:run(function(s) return s:predict(2, 60) end, { { time = 0, metric = 10 }, { time = 10, metric = 20 } })
--- t:match(out, { { time = 10, metric = 80 } })
--- ```
---@param n integer
---@param s number # seconds
---@return Stream
function Stream:predict(n, s) end

--- Sets the metric to how far the host's clock is ahead of the median of the hosts' clocks.
---
--- ```lua
--- local out = t:run(function(s) return s:clock_skew() end,
---   { { host = "a", time = 10 }, { host = "b", time = 10 }, { host = "c", time = 8 } })
--- t:match({ out[3] }, { { host = "c", metric = -2 } })
--- ```
---@return Stream
function Stream:clock_skew() end
