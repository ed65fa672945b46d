---@meta tocsin

--# Events
--- What an event is, and the values that rules handle.

--- Conditions of an event: a query, or a function of the event.
---@alias Pred string|fun(e: Event): any

--- What events are told apart by: the name of a field, or a function of the event.
---@alias Key string|fun(e: Event): any

--- Fields of an event: a table, or the event itself.
---@alias Fields FieldTable|Event

--- A list; none stands for no event.
---@alias FieldsList (Fields|None)[]

---@class FieldTable
---@field host? string|None # with service, what the event is about
---@field service? string|None # with host, what the event is about
---@field state? string|None # such as "ok", "warning", "critical"
---@field description? string|None # for people
---@field time? number|string|None # seconds since 1970, with a fraction
---@field metric? number|None
---@field ttl? number|None # seconds for which the event counts
---@field tags? string[]|None
---@field [string] string|number|boolean|string[]|None # any other name is an attribute

--- An event. It is read-only; `e:with { … }` makes a changed copy. A field that is not there is nil.
---@class Event
---@field host string # with service, what the event is about
---@field service string # with host, what the event is about
---@field state string # such as "ok", "warning", "critical"; "expired" when the ttl has passed
---@field description string # for people
---@field time number # seconds since 1970, with a fraction
---@field metric number
---@field ttl number # seconds for which the event counts
---@field tags string[] # a list, perhaps an empty one
---@field attributes table<string, string> # all attributes, whatever their names
---@field [string] string # any other name is an attribute, a text
local Event = {}

--- Returns a copy with other fields; `none` removes one.
---
--- ```lua
--- local e = event { host = "web1", metric = 1, state = "ok" }
--- t:match({ e:with { metric = 2, state = none } }, { { host = "web1", metric = 2, state = none } })
--- ```
---@param fields Fields
---@return Event
function Event:with(fields) end

--- Tells whether the event has the tag.
---
--- ```lua
--- local e = event { tags = { "prod" } }
--- t:eq({ e:tagged "prod", e:tagged "lab" }, { true, false })
--- ```
---@param tag string
---@return boolean
function Event:tagged(tag) end

--- Makes an event of a table of fields.
---
--- ```lua
--- t:eq(event({ host = "web1", zone = 3 }).zone, "3")
--- ```
---@param fields Fields
---@return Event
function event(fields) end

--- The value that removes a field.
---@class None

--- Removes a field in `with`; stands for no event in lists.
---@type None
none = {}

--- Returns the engine's clock: seconds since 1970, with a fraction.
---
--- ```lua
--- t:advance(90)
--- t:eq(now(), 90)
--- ```
---@return number
function now() end

--- What is there of the library os: it follows the engine's clock.
---@class os
os = {}

---@param time? table
---@return integer
function os.time(time) end

---@param format? string
---@param time? number
---@return string|table
function os.date(format, time) end

---@return number
function os.clock() end

---@param later number
---@param earlier number
---@return number
function os.difftime(later, earlier) end
