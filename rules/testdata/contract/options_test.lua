-- "Numbers", and "Sources, sinks, settings, secrets".
local function wrong(t, pattern, fn) t:error(fn, "^[^ ]*options_test.lua:%d+: .*" .. pattern) end

test("n below 1 is an error when the stream is made", function(t)
  for _, n in ipairs { 0, -1 } do
    for name, draw in pairs {
      runs = function() events:runs(n, "state") end, at_least = function() events:at_least(n, 5, "true") end, at_least_n = function() events:at_least(1, n, "true") end,
      top = function() events:top(n, "metric") end, predict = function() events:predict(n, 1) end, throttle = function() events:throttle(n, 1) end,
      rollup = function() events:rollup(n, 1) end, batch = function() events:batch(n, 1) end, moving = function() events:moving_window(n) end,
      fixed = function() events:fixed_window(n) end,
    } do
      t:ok(not pcall(draw), name)
      wrong(t, "", draw)
    end
  end
end)

test("dt not above 0 is an error when the stream is made", function(t)
  for _, dt in ipairs { 0, -1 } do
    for name, draw in pairs {
      stable = function() events:stable(dt, "state") end, rate = function() events:rate(dt) end, ddt = function() events:ddt(dt) end, ewma = function() events:ewma(dt) end,
      percentiles = function() events:percentiles(dt, { 0.5 }) end, apdex = function() events:apdex(dt, { satisfied = "true", tolerated = "true" }) end,
      fill = function() events:fill(dt, {}) end, fill_last = function() events:fill_last(dt, {}) end, interpolate = function() events:interpolate(dt) end,
      throttle = function() events:throttle(1, dt) end, rollup = function() events:rollup(1, dt) end, batch = function() events:batch(1, dt) end,
      coalesce = function() events:coalesce(dt) end, sample = function() events:sample(dt) end, moving = function() events:moving_time_window(dt) end,
      fixed = function() events:fixed_time_window(dt) end, every = function() every(dt, function() end) end, rule = function() rule "r" { every = dt, eval = function() end } end,
      flapping = function() events:flapping { window = dt } end,
    } do
      t:ok(not pcall(draw), name)
      wrong(t, "", draw)
    end
  end
end)

test("an unknown key is an error with file, line, and the key that was probably meant", function(t)
  wrong(t, "listn.*listen", function() source.graphite { listn = "127.0.0.1:2003" } end)
  wrong(t, "pixxels.*pixels", function() sink.led { driver = "terminal", pixxels = 5 } end)
  wrong(t, "forgt.*forget", function() settings { forgt = 5 } end)
  wrong(t, "evry.*every", function() rule "r" { evry = 1, eval = function() end } end)
  wrong(t, "histeresis.*hysteresis", function() events:threshold { warning = 1, histeresis = 2 } end)
  wrong(t, "hihg.*high", function() events:flapping { hihg = 5 } end)
  wrong(t, "pair.*pairs", function() events:changed("state", { pair = true }) end)
  wrong(t, "alligned.*aligned", function() events:fixed_time_window(5, { alligned = true }) end)
  wrong(t, "tolerable.*tolerated", function() events:apdex(5, { satisfied = "true", tolerable = "true" }) end)
  wrong(t, "forgot.*forget", function() index("true", { forgot = 5 }) end)
end)

test("a wrong type is an error", function(t)
  wrong(t, "listen", function() source.graphite { listen = 2003 } end)
  wrong(t, "pixels", function() sink.led { driver = "terminal", pixels = "five" } end)
  wrong(t, "ttl", function() settings { ttl = "long" } end)
  wrong(t, "every", function() rule "r" { every = "1", eval = function() end } end)
  wrong(t, "warning", function() events:threshold { warning = "high" } end)
  wrong(t, "aligned", function() events:fixed_time_window(5, { aligned = 1 }) end)
  wrong(t, "pairs", function() events:changed("state", { pairs = "yes" }) end)
  wrong(t, "tags", function() source.graphite { listen = "127.0.0.1:2003", tags = "x" } end)
  wrong(t, "over", function() events:over "5" end)
  wrong(t, "throttle", function() events:throttle("1", 5) end)
end)

test("a missing one is an error", function(t)
  wrong(t, "routing_key", function() sink.pagerduty {} end)
  wrong(t, "eval", function() rule "r" { every = 1 } end)
  wrong(t, "every", function() rule "r" { eval = function() end } end)
  wrong(t, "", function() events:where() end)
  wrong(t, "", function() events:throttle(1) end)
end)

test("an unknown kind, method or name is an error that names the likely one", function(t)
  wrong(t, "graphite", function() source.grafite {} end)
  wrong(t, "pagerduty", function() sink.pagerdutty {} end)
  wrong(t, "where", function() events:wher "true" end)
end)

test("sources take name, ttl, tags and through", function(t)
  source.graphite { name = "old", listen = "127.0.0.1:2003", ttl = 5, tags = { "x" }, through = function(s) return s:with { zone = "z" } end }
  t:send { host = "a" }
end)

test("settings once per configuration", function(t)
  settings { ttl = 5 }
  wrong(t, "settings", function() settings { ttl = 6 } end)
end)

test("a secret cannot be printed, and tests do without its value", function(t)
  local s = secret "PAGERDUTY_KEY"
  sink.pagerduty { routing_key = s }
  t:ok(not tostring(s):find "value")
  t:error(function() return "x" .. s end)
end)

test("require loads the file beside, once", function(t)
  local one, two = require "script", require "script"
  t:ok(one == two)
  t:eq(type(one.metrics), "function")
  t:error(function() require "nothing" end, "nothing")
end)

test("config runs the configuration under test", function(t)
  events:tap "own"
  t:send { host = "a" }
  t:eq(#t:tapped "own", 1)
end)
