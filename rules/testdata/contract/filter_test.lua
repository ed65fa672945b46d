-- Table "Filter".
local script = require "script"
local at, metrics = script.at, script.metrics

test("split: events that match p1; else p2; …; else the rest", function(t)
  local script = { at(1, 1), at(2, 2), at(3, 3), at(4, 4) }
  local function branch(n)
    return metrics(t:run(function(s) return (select(n, s:split("metric < 3", "metric > 1 and metric < 4"))) end, script))
  end
  t:eq(branch(1), { 1, 2 })
  t:eq(branch(2), { 3 })
  t:eq(branch(3), { 4 })
  t:run(function(s)
    t:eq(select("#", s:split("true", "false", "true")), 4)
    return s
  end, {})
end)

test("tagged: all of the tags; tagged_any: any", function(t)
  local events = { at(1, 1, { tags = { "a", "b", "c" } }), at(2, 2, { tags = { "b" } }), at(3, 3), at(4, 4, { tags = { "c" } }) }
  t:eq(metrics(t:run(function(s) return s:tagged("a", "c") end, events)), { 1 })
  t:eq(metrics(t:run(function(s) return s:tagged "b" end, events)), { 1, 2 })
  t:eq(metrics(t:run(function(s) return s:tagged_any("a", "c") end, events)), { 1, 4 })
end)

test("over and under are strict; without a metric nothing", function(t)
  local events = { at(1, 1), at(2, 2), at(3, 3), { time = 4 } }
  t:eq(metrics(t:run(function(s) return s:over(2) end, events)), { 3 })
  t:eq(metrics(t:run(function(s) return s:under(2) end, events)), { 1 })
end)

test("expired: state is expired, or the ttl has passed since arrival", function(t)
  local events = { { host = "a", ttl = 10 }, { host = "b", ttl = 30 }, { host = "c", state = "expired" }, { host = "d", time = 10, ttl = 30 } }
  local function hold(s) return s:batch(4, 100):flatten() end
  t:match(t:run(function(s) return hold(s):expired() end, events), { { host = "a" }, { host = "c" } })
  t:match(t:run(function(s) return hold(s):live() end, events), { { host = "b" }, { host = "d" } })
end)

test("an event without a ttl expires after settings.ttl; t:run has 60", function(t)
  settings { ttl = 5 }
  local function run(time)
    return #t:run(function(s) return s:batch(2, 1000):flatten():where 'host = "a"':expired() end, { { host = "a" }, { host = "b", time = time } })
  end
  t:eq({ run(59), run(60) }, { 0, 1 })
  events:batch(2, 100):flatten():expired():tap "expired"
  t:send({ host = "x", ttl = 1000 }, { host = "y", time = 6, ttl = 1000 })
  t:eq(#t:tapped "expired", 0)
end)

test("arrival decides, not the event's own time", function(t)
  local out = t:run(function(s) return s:live() end, { 1000, { time = 5, ttl = 10, metric = 1 } })
  t:eq(metrics(out), { 1 })
end)
