-- Table "Fill", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, states, times = script.at, script.metrics, script.states, script.times

test("fill: every dt of silence after the first event, time now", function(t)
  local out = t:run(function(s) return s:fill(2, { service = "s", metric = 0 }) end, { 5, at(5, 1), 4.5, at(10, 2), 2 })
  t:eq({ metrics(out), times(out) }, { { 1, 0, 0, 2, 0 }, { 5, 7, 9, 10, 12 } })
  t:match({ out[2] }, { { service = "s", host = none } })
end)

test("fill_last: the last with those fields set", function(t)
  local out = t:run(function(s) return s:fill_last(2, { state = "stale" }) end, { at(1, 1, { host = "a", state = "ok" }), at(2, 5, { host = "b", state = "ok" }), 4 })
  t:match(out, { { metric = 1 }, { metric = 5, host = "b", state = "ok", time = 2 }, { metric = 5, host = "b", state = "stale", time = 4 }, { metric = 5, state = "stale", time = 6 } })
end)

test("fill and fill_last stop at an expired event, and go on after a live one", function(t)
  local events = { at(0, 1), { time = 1, state = "expired" }, 10, at(11, 2), 2 }
  t:eq(times(t:run(function(s) return s:fill(2, { metric = 0 }) end, events)), { 0, 1, 11, 13 })
  t:eq(times(t:run(function(s) return s:fill_last(2, {}) end, events)), { 0, 1, 11, 13 })
end)

test("interpolate: the first at once, later ones at the next tick, time now", function(t)
  local out = t:run(function(s) return s:interpolate(1) end, { at(0, 1), at(1.5, 2), at(1.75, 3), 1.5 })
  t:eq({ metrics(out), times(out) }, { { 1, 1, 3, 3 }, { 0, 1, 2, 3 } })
end)

test("interpolate: an expired one at once, and ends it", function(t)
  local out = t:run(function(s) return s:interpolate(1) end, { at(0, 1), { time = 1.5, state = "expired" }, 5 })
  t:eq({ metrics(out), states(out), times(out) }, { { 1, 1, "-" }, { "-", "-", "expired" }, { 0, 1, 1.5 } })
end)

test("interpolate: a ttl alone does not end it", function(t)
  t:eq(#t:run(function(s) return s:interpolate(1) end, { at(0, 1, { ttl = 2 }), 5 }), 6)
end)

test("interpolate begins anew after the end", function(t)
  local out = t:run(function(s) return s:interpolate(1) end, { at(0, 1), { time = 0.5, state = "expired" }, at(3, 2), 1 })
  t:eq({ metrics(out), times(out) }, { { 1, "-", 2, 2 }, { 0, 0.5, 3, 4 } })
end)
