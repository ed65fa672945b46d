#!/usr/bin/env tocsin
-- What a file can declare.
source.graphite {
  name = "old", ttl = 120, tags = { "carbon" },
  through = function(s) return s:where 'service != "noise"':with { state = "ok" } end,
}
source.collectd { listen = "127.0.0.1:0" }
local strip = sink.led { name = "strip", queue = 10, full = "block" }
local pager = sink.pagerduty { routing_key = secret "KEY" }

local ok, warning, rest = events:split('state = "ok"', 'state = "warning"')
merge(ok, warning):to(strip)
local passed, errors = rest:map(function(e) return e:with { state = "unknown" } end):catch()
errors:to(pager)
passed:to(strip, pager)
local top, others = events:top(3, "metric")
top:to(strip)

rule "front" { every = 1, eval = function() return "ok" end }
rule "shop" { every = 1, eval = percent(80, index 'tagged "appserver"', "front", any(index "true")) }
rule "on" { on = errors, eval = function(e) return e end }
every(60, function() print(now(), lookup("a", "b"), os.date "%c") end)

settings {
  ttl = 30, forget = 60, skew = 10, identities = 1000, auto_index = "metric", http = "127.0.0.1:0", rule_timeout = 0.5,
}
