---@meta tocsin

--# Fill
--- Operators that fill gaps.

---@class Stream
local Stream = {}

--- Passes the given event after each dt without one; an expired event ends it.
---
--- ```lua
--- local out = t:run(function(s) return s:fill(5, { metric = 0 }) end, { { metric = 7 }, 5 })
--- t:match(out, { { metric = 7 }, { metric = 0, time = 5 } })
--- ```
---@param dt number # seconds
---@param fields Fields
---@return Stream
function Stream:fill(dt, fields) end

--- Passes the last event, with those fields set, after each dt without one; an expired event ends it.
---
--- ```lua
--- local out = t:run(function(s) return s:fill_last(5, { state = "silent" }) end, { { metric = 7 }, 5 })
--- t:match(out, { { metric = 7 }, { metric = 7, state = "silent", time = 5 } })
--- ```
---@param dt number # seconds
---@param fields? Fields
---@return Stream
function Stream:fill_last(dt, fields) end

--- Repeats the last event every dt, until an expired one.
---
--- ```lua
--- local out = t:run(function(s) return s:interpolate(1) end, { { metric = 7 }, 2 })
--- t:match(out, { { metric = 7 }, { metric = 7, time = 1 }, { metric = 7, time = 2 } })
--- ```
---@param dt number # seconds
---@return Stream
function Stream:interpolate(dt) end
