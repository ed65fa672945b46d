---@meta tocsin

--# Sources, sinks and settings
--- What stands at both ends, and what holds for all. Each kind of source and sink has a page of its own.

--- A sink, as `sink.KIND { … }` returns it.
---@class Sink

--- A text that cannot be printed.
---@class Secret

---@class SourceOptions
---@field name? string # what metrics and messages call it; default the kind
---@field ttl? number # seconds, for events that bring none
---@field tags? string[] # added to each event
---@field through? fun(s: Stream): Stream # what its events pass before they are indexed

---@class SinkOptions
---@field name? string # what metrics and messages call it; default the kind
---@field queue? integer # how much waits for the sink at most
---@field full? "drop_oldest"|"block" # what happens then, where events are forwarded

---@class Settings
---@field ttl? number # seconds, of events that bring none; default 60
---@field forget? number # seconds for which an expired event still counts; default 3600
---@field skew? number # seconds that an event's time may be in the future; default 300
---@field identities? integer # how many hosts and services there may be; default 2000000
---@field auto_index? Pred # which events from sources are indexed; default all
---@field http? string # where the HTTP interface listens; "" is nowhere; default "127.0.0.1:5580"
---@field rule_timeout? number # seconds that Lua may run for at a time; default 1
---@field rule_memory? integer # MiB that Lua may take at a time; default 64
---@field store? string # the file that keeps state over a restart; default none
---@field journal? string # the folder of a log of what came in since the last checkpoint; default none
---@field journal_keep? number # seconds for which the journal keeps what no checkpoint needs; default 86400
---@field journal_size? integer # MiB that the journal has at most, but for what a checkpoint still needs; default any

--- Sets what holds for the whole configuration; it stands there once.
---
--- ```lua
--- settings { ttl = 5 }
--- t:send { host = "a", service = "web" }
--- t:advance(6)
--- t:match({ lookup("a", "web") }, { { state = "expired" } })
--- ```
---@param settings Settings
function settings(settings) end

--- Reads an environment variable, or the file of that name in $CREDENTIALS_DIRECTORY. Tests and checks do without its value.
---
--- ```lua
--- t:eq(tostring(secret "PAGERDUTY_KEY"), "secret PAGERDUTY_KEY")
--- ```
---@param name string
---@return Secret
function secret(name) end

--- Runs `name.lua`, beside this file, once, and returns what it returns, or true.
---
---@param name string
---@return any
function require(name) end
