---@meta tocsin

--# Hold back
--- Operators that hold events back, or make fewer of them.

---@class Stream
local Stream = {}

--- Passes n events in each dt, and drops the rest.
---
--- ```lua
--- local out = t:run(function(s) return s:throttle(1, 60) end, { { metric = 1 }, { metric = 2 }, 60, { metric = 3 } })
--- t:match(out, { { metric = 1 }, { metric = 3 } })
--- ```
---@param n integer
---@param dt number # seconds
---@return Stream
function Stream:throttle(n, dt) end

--- Passes the first n events of each dt as lists of one, and the rest as one list at its end.
---
--- ```lua
--- local out = t:run(function(s) return s:rollup(1, 60) end, { { metric = 1 }, { metric = 2 }, { metric = 3 }, 60 })
--- t:match(out, { { { metric = 1 } }, { { metric = 2 }, { metric = 3 } } })
--- ```
---@param n integer
---@param dt number # seconds
---@return Stream
function Stream:rollup(n, dt) end

--- Passes lists of n events, or what there is after dt.
---
--- ```lua
--- local out = t:run(function(s) return s:batch(2, 10) end, { { metric = 1 }, { metric = 2 }, { metric = 3 }, 10 })
--- t:match(out, { { { metric = 1 }, { metric = 2 } }, { { metric = 3 } } })
--- ```
---@param n integer
---@param dt number # seconds
---@return Stream
function Stream:batch(n, dt) end

--- Every dt, passes a list of the latest event of each host and service; an expired one is in it once.
---
--- ```lua
--- local out = t:run(function(s) return s:coalesce(1) end, { { host = "a", metric = 1 }, { host = "b", metric = 2 }, { host = "a", metric = 3 }, 1 })
--- t:match(out, { { { host = "a", metric = 3 }, { host = "b", metric = 2 } } })
--- ```
---@param dt? number # seconds; default 1
---@return Stream
function Stream:coalesce(dt) end

--- Passes at most one event in each dt, the newest, at its end.
---
--- ```lua
--- local out = t:run(function(s) return s:sample(1) end, { { metric = 1 }, { metric = 2 }, 1 })
--- t:match(out, { { metric = 2 } })
--- ```
---@param dt number # seconds
---@return Stream
function Stream:sample(dt) end
