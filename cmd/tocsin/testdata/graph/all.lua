-- Everything that a drawing can have.
source.graphite { name = "lab", through = function(s) return s:where 'not service =~ "debug.%"':with { zone = "<b>" } end }
source.collectd {}

local pager = sink.webhook { name = "pager", url = "http://127.0.0.1:8080/" }
local log = sink.log {}

local web, db, rest = events:where 'tagged "shop"':split('service = "web"', 'service = "db"')
web:by("host", "service"):rate(10):over(100):to(pager):throttle(1, 60):to(log)
db:map(function(e) return e.metric and e:with { metric = e.metric * 2 } end):emit()
local passed, errors = rest:map(function(e) return e end):catch()
merge(passed, errors:with { state = "critical" }):to(log)

rule "login" { on = events:where 'service = "login" and metric > 3', eval = function() return "critical" end }
rule "servers" { every = 1, eval = percent(80, index 'role = "app"', "login") }
rule "all" {
  every = 5,
  eval = function()
    return { metric = index('service = "' .. "x" .. '"'):count() + index 'host':count() }
  end,
}
events:where 'service = "servers"':changed("state", { init = "ok" }):to(pager)
events:over(9):tap "high"
events:each(function() end)
