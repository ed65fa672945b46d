local log = sink.led { name = "log" }
local limits = require "limits"

local function level(e)
  if e.metric > limits.high then
    return "critical"
  elseif e.metric > limits.low then
    return "warning"
  else
    return "ok"
  end
end

events:where 'service = "cpu"'
      :map(function(e) return e:with { state = level(e) } end)
      :changed("state", { init = "ok" })
      :to(log)

local slow, rest = events:where 'service = "http"':split("metric > 10", "metric > 5")
slow:each(function(e) print(e.host) end):to(log)

for _, name in ipairs { "a", "b" } do
  events:where(function(e) return e.service == name end):tap(name)
end

rule "up" {
  every = 10,
  eval = function()
    return "ok"
  end,
}
rule "cpu" { on = events:tagged "cpu", eval = function(e) return e.state end }
