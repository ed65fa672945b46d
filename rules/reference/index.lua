---@meta tocsin

--# The index
--- Questions about the latest event of each host and service. The answers are kept up to date, not scanned.

--- The events of the index for which a query holds.
---@class Set
local Set = {}

---@class IndexOptions
---@field forget? number # seconds for which an expired event still counts; default settings.forget

--- Returns the live set of the events for which pred holds. What has expired counts, as state expired.
---
--- ```lua
--- t:send({ host = "a", service = "web", metric = 1 }, { host = "b", service = "db", metric = 1 })
--- t:eq(index('service = "web"'):count(), 1)
--- ```
---@param pred Pred
---@param options? IndexOptions
---@return Set
function index(pred, options) end

--- Returns the latest event of a host and service, or nil.
---
--- ```lua
--- t:send { host = "a", service = "web", metric = 7 }
--- t:match({ lookup("a", "web") }, { { metric = 7 } })
--- ```
---@param host string|nil
---@param service string|nil
---@return Event?
function lookup(host, service) end

--- Returns how many there are, or for how many pred holds.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 0 })
--- t:eq({ index("metric"):count(), index("metric"):count "metric = 1" }, { 2, 1 })
--- ```
---@param pred? Pred
---@return integer
function Set:count(pred) end

--- Returns count(pred) / count(); 0 of an empty set.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 0 })
--- t:eq(index("host"):share "metric = 1", 0.5)
--- ```
---@param pred Pred
---@return number
function Set:share(pred) end

--- Returns the sum; 0 of an empty set.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 4 })
--- t:eq(index("metric"):sum(), 5)
--- ```
---@param key? Key # default "metric"
---@return number
function Set:sum(key) end

--- Returns the mean of those that have the key; nil of an empty set.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 4 })
--- t:eq(index("metric"):mean(), 2.5)
--- ```
---@param key? Key # default "metric"
---@return number?
function Set:mean(key) end

--- Returns the least; nil of an empty set.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 4 })
--- t:eq(index("metric"):min(), 1)
--- ```
---@param key? Key # default "metric"
---@return number?
function Set:min(key) end

--- Returns the largest; nil of an empty set.
---
--- ```lua
--- t:send({ host = "a", metric = 1 }, { host = "b", metric = 4 })
--- t:eq(index("metric"):max(), 4)
--- ```
---@param key? Key # default "metric"
---@return number?
function Set:max(key) end

--- Returns how many different values of the key there are.
---
--- ```lua
--- t:send({ host = "a", zone = "x" }, { host = "b", zone = "x" }, { host = "c", zone = "y" })
--- t:eq(index("zone"):distinct "zone", 2)
--- ```
---@param key Key
---@return integer
function Set:distinct(key) end

--- Returns the worst state: critical (or expired), warning, unknown, ok; nil of an empty set.
---
--- ```lua
--- t:send({ host = "a", state = "ok" }, { host = "b", state = "warning" })
--- t:eq(index("state"):worst(), "warning")
--- ```
---@return string?
function Set:worst() end

--- Returns the list of the events, by host and service.
---
--- ```lua
--- t:send({ host = "b", metric = 2 }, { host = "a", metric = 1 })
--- t:match(index("metric"):events(), { { host = "a" }, { host = "b" } })
--- ```
---@return Event[]
function Set:events() end

--- Returns the first of the events, by host and service, or nil.
---
--- ```lua
--- t:send({ host = "b", metric = 2 }, { host = "a", metric = 1 })
--- t:match({ index("metric"):first() }, { { host = "a" } })
--- ```
---@return Event?
function Set:first() end
