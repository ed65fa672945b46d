-- Table "Rate and smoothing", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, states, times = script.at, script.metrics, script.states, script.times

test("rate: every dt the sum of metrics / dt on the last event that had one", function(t)
  local out = t:run(function(s) return s:rate(2) end,
    { { host = "a", metric = 3, time = 0.5 }, { host = "b", metric = 5, time = 1 }, { host = "c", time = 1.5 }, 0.5 })
  t:match(out, { { host = "b", metric = 4, time = 2 } })
end)

test("rate begins at the making of the stream, then every dt", function(t)
  local out = t:run(function(s) return s:rate(2) end, { at(3.5, 4), at(5, 2), 5 })
  t:eq({ times(out), metrics(out) }, { { 4, 6, 8, 10 }, { 2, 1, 0, 0 } })
end)

test("rate: an event at the instant of a tick belongs to the next interval", function(t)
  t:eq(metrics(t:run(function(s) return s:rate(1) end, { at(0, 1), at(1, 10), 1 })), { 1, 10 })
end)

test("rate: ttl falls by dt each idle interval, and ends it", function(t)
  local out = t:run(function(s) return s:rate(1) end, { { metric = 2, ttl = 2.5 }, 10 })
  local ttls = {}
  for i, e in ipairs(out) do ttls[i] = e.ttl end
  t:eq({ metrics(out), ttls }, { { 2, 0, 0 }, { 2.5, 1.5, 0.5 } })
end)

test("rate: an event without ttl counts as having settings.ttl", function(t)
  local out = t:run(function(s) return s:rate(25) end, { at(0, 50), 500 })
  t:eq(metrics(out), { 2, 0, 0 })
end)

test("rate: after the end the next event begins anew", function(t)
  local out = t:run(function(s) return s:rate(1) end, { { metric = 2, ttl = 0.5 }, 10, { metric = 7, ttl = 0.5 }, 10 })
  t:eq(metrics(out), { 2, 7 })
end)

test("rate inside by begins at the group's first event", function(t)
  local out = t:run(function(s) return s:by "host":rate(1) end, { { host = "a", metric = 1, time = 0.25, ttl = 1 }, { host = "b", metric = 2, time = 0.5, ttl = 1 }, 5 })
  t:match(out, { { host = "a", metric = 1, time = 1.25 }, { host = "b", metric = 2, time = 1.5 } })
end)

test("ddt: divided by the time between the two events", function(t)
  local out = t:run(function(s) return s:ddt() end, { at(0, 1), at(2, 5), { time = 3 }, at(4, 4), at(4, 9), at(5, 4) })
  t:eq({ out[1].metric, out[1].time, out[2].metric }, { 2, 2, -0.5 })
end)

test("ddt: no time between two events gives nothing", function(t)
  t:eq(metrics(t:run(function(s) return s:ddt() end, { at(1, 1), at(1, 2) })), {})
end)

test("ddt with dt: the first event is the before of the first interval", function(t)
  local out = t:run(function(s) return s:ddt(2) end, { at(0.5, 1), at(1.5, 4), 0.5 })
  t:match(out, { { metric = 3, time = 2 } })
end)

test("ddt with dt: an interval without an event gives 0, the first one too", function(t)
  local out = t:run(function(s) return s:ddt(1) end, { at(0.5, 3, { ttl = 1000 }), 2, at(3.5, 9, { ttl = 1000 }), 1 })
  t:eq({ metrics(out), times(out) }, { { 0, 0, 0, 2 }, { 1, 2, 3, 4 } })
end)

test("ewma halves the distance each halflife, and begins at 0", function(t)
  t:eq(metrics(t:run(function(s) return s:ewma(1) end, { at(1, 1), at(2, 1), at(3, 1) })), { 0.5, 0.75, 0.875 })
  local a = 2 ^ (-1 / 30)
  t:eq(metrics(t:run(function(s) return s:ewma(30) end, { at(1, 10), at(2, 20) })), { 10 * (1 - a), 10 * (1 - a) * a + 20 * (1 - a) })
end)

test("ewma: a late event is blended in with the weight its age leaves, at the newer time", function(t)
  local out = t:run(function(s) return s:ewma(1) end, { at(3, 8), at(2, 4) })
  t:match(out, { { metric = 4, time = 3 }, { metric = 5, time = 3 } })
end)

test("ewma_timeless: r × new + (1 − r) × old, from 0", function(t)
  t:eq(metrics(t:run(function(s) return s:ewma_timeless(0.25) end, { at(1, 4), { time = 2 }, at(9, 8) })), { 1, "-", 2.75 })
end)

test("counter: a running total; an event tagged reset sets it", function(t)
  local events = { at(1, 1), at(2, 2), { time = 3 }, at(4, 10, { tags = { "reset" } }), at(5, 1) }
  t:eq(metrics(t:run(function(s) return s:counter() end, events)), { 1, 3, "-", 10, 11 })
  t:eq(metrics(t:run(function(s) return s:counter(100) end, events)), { 101, 103, "-", 10, 11 })
end)

test("reduce: without init the first event seeds and is not passed", function(t)
  local function larger(acc, e) return e.metric > acc.metric and e or acc end
  local events = { at(1, 2), at(2, 1), at(3, 5) }
  t:eq(metrics(t:run(function(s) return s:reduce(larger) end, events)), { 2, 5 })
  t:eq(metrics(t:run(function(s) return s:reduce(larger, { metric = 3 }) end, events)), { 3, 3, 5 })
end)

test("percentiles: every dt one event per point, service suffixed", function(t)
  local events = {}
  for i = 1, 100 do events[i] = { service = "api", host = "h" .. i, metric = (i * 37) % 101, time = i / 1000 } end
  local out = t:run(function(s) return s:percentiles(1, { 0, 0.5, 0.95, 0.99, 1 }) end, { unpack(events) })
  t:eq(out, {})
  events[101] = 1
  out = t:run(function(s) return s:percentiles(1, { 0, 0.5, 0.95, 0.99, 1 }) end, events)
  t:match(out, {
    { service = "api 0", metric = 1, time = 1 }, { service = "api 0.5", metric = 51, time = 1 }, { service = "api 0.95", metric = 96, time = 1 },
    { service = "api 0.99", metric = 100, time = 1 }, { service = "api 1", metric = 100, time = 1 },
  })
end)

test("percentiles: nothing for an interval without events", function(t)
  t:eq(#t:run(function(s) return s:percentiles(1, { 0.5 }) end, { { service = "a", metric = 1 }, 5 }), 1)
  t:eq(#t:run(function(s) return s:percentiles(1, { 0.5 }) end, { { service = "a" }, 5 }), 0)
end)

test("apdex: (satisfied + tolerated / 2) / all, on the last event", function(t)
  local out = t:run(function(s) return s:apdex(1, { satisfied = "metric < 2", tolerated = "metric < 5" }) end,
    { at(0.1, 1), at(0.2, 1), at(0.3, 3), at(0.4, 9, { host = "last" }), 5 })
  t:match(out, { { metric = 0.625, host = "last", time = 1 } })
end)

test("apdex ignores expired events", function(t)
  local out = t:run(function(s) return s:apdex(1, { satisfied = "metric < 2", tolerated = "metric < 5" }) end, { at(0.1, 1), { time = 0.2, state = "expired" }, 5 })
  t:eq(metrics(out), { 1 })
end)

test("predict: a line through the last n events, s seconds ahead, at the event's time", function(t)
  local out = t:run(function(s) return s:predict(3, 10) end, { at(0, 0), at(1, 2), at(2, 4), at(3, 6) })
  t:eq({ metrics(out), times(out) }, { { 22, 24, 26 }, { 1, 2, 3 } })
  out = t:run(function(s) return s:predict(2, 1) end, { at(0, 0), at(1, 1), at(2, 3) })
  t:eq(metrics(out), { 2, 5 })
end)

test("predict from one event passes nothing", function(t)
  t:eq(t:run(function(s) return s:predict(5, 1) end, { at(0, 7) }), {})
end)

test("clock_skew: event time minus the median of the hosts' clocks", function(t)
  local out = t:run(function(s) return s:clock_skew() end, {
    10, { host = "a", time = 10 }, { host = "b", time = 4 }, { host = "c", time = 9 }, { host = "d", time = 12 },
  })
  -- b: of 4 and 10, the upper is 10. c: of 4, 9, 10. d: two seconds on, of 6, 11, 12, 12.
  t:eq(metrics(out), { 0, -6, 0, 0 })
end)

test("clock_skew: an event without a host passes unchanged", function(t)
  t:match(t:run(function(s) return s:clock_skew() end, { { time = 5, metric = 42 } }), { { metric = 42, time = 5 } })
end)
