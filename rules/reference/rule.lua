---@meta tocsin

--# Rules
--- What is evaluated on a schedule or on a stream, and what makes a state of many.

---@class RuleOptions
---@field every? number # evaluate every so many seconds; either this or on
---@field on? Stream # evaluate at each event of a stream
---@field eval fun(e: Event): Fields|string|nil # returns an event, a state, or nil for nothing
---@field host? string # of the events, unless eval returns one
---@field ttl? number # seconds; default three periods, or settings.ttl with on
---@field tags? string[] # added to those that eval returns

--- Declares a rule: what eval returns is emitted, with the service name unless it says otherwise.
---
--- ```lua
--- rule "web" { every = 10, eval = function() return { metric = index('service = "http"'):count() } end }
--- events:where 'service = "web"':tap "web"
--- t:send({ host = "a", service = "http" }, { host = "b", service = "http" })
--- t:advance(10)
--- t:match(t:tapped "web", { { service = "web", metric = 2, ttl = 30 } })
--- ```
---@param name string # its identity: two of one name are an error
---@return fun(options: RuleOptions)
function rule(name) end

--- Calls fn every dt.
---
--- ```lua
--- local n = 0
--- every(10, function() n = n + 1 end)
--- t:advance(35)
--- t:eq(n, 3)
--- ```
---@param dt number # seconds
---@param fn function
function every(dt, fn) end

--- What makes a state of many: index sets (each event counts), names of rules (each counts as one) and other trees (one each).
---@alias Member Set|string|Tree

--- A function for eval.
---@alias Tree fun(): Fields

--- Returns a function for eval: ok when all members are.
---
--- ```lua
--- rule "web" { every = 1, eval = all(index 'service = "http"') }
--- events:where 'service = "web"':tap "web"
--- t:send({ host = "a", service = "http", state = "ok" }, { host = "b", service = "http", state = "critical" })
--- t:advance(1)
--- t:match(t:tapped "web", { { state = "critical", metric = 0.5 } })
--- ```
---@param member Member
---@param ... Member
---@return Tree
function all(member, ...) end

--- Returns a function for eval: ok when any member is.
---
--- ```lua
--- rule "web" { every = 1, eval = any(index 'service = "http"') }
--- events:where 'service = "web"':tap "web"
--- t:send({ host = "a", service = "http", state = "ok" }, { host = "b", service = "http", state = "critical" })
--- t:advance(1)
--- t:match(t:tapped "web", { { state = "ok", metric = 0.5 } })
--- ```
---@param member Member
---@param ... Member
---@return Tree
function any(member, ...) end

--- Returns a function for eval: ok when at least n members are.
---
--- ```lua
--- rule "web" { every = 1, eval = at_least(2, index 'service = "http"') }
--- events:where 'service = "web"':tap "web"
--- t:send({ host = "a", service = "http", state = "ok" }, { host = "b", service = "http", state = "warning" })
--- t:advance(1)
--- t:match(t:tapped "web", { { state = "warning", metric = 0.5 } })
--- ```
---@param n integer
---@param ... Member
---@return Tree
function at_least(n, ...) end

--- Returns a function for eval: ok when at least p percent of the members are.
---
--- ```lua
--- rule "web" { every = 1, eval = percent(80, index 'service = "http"') }
--- events:where 'service = "web"':tap "web"
--- for i = 1, 5 do t:send { host = "web" .. i, service = "http", state = i < 5 and "ok" or "critical" } end
--- t:advance(1)
--- t:match(t:tapped "web", { { state = "ok", metric = 0.8 } })
--- ```
---@param p number
---@param ... Member
---@return Tree
function percent(p, ...) end
