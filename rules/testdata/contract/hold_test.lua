-- Table "Hold back", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, shapes, times = script.at, script.metrics, script.shapes, script.times

test("throttle: n events per dt, the rest dropped", function(t)
  local out = t:run(function(s) return s:throttle(2, 1) end, { at(0, 1), at(0.1, 2), at(0.2, 3), at(1, 4), at(1.1, 5), at(1.9, 6), at(7.5, 7) })
  t:eq(metrics(out), { 1, 2, 4, 5, 7 })
end)

test("throttle counts from the making of the stream", function(t)
  t:eq(metrics(t:run(function(s) return s:throttle(1, 10) end, { at(9, 1), at(10, 2), at(11, 3) })), { 1, 2 })
end)

test("throttle inside by counts from the group's first event", function(t)
  local out = t:run(function(s) return s:by "host":throttle(1, 10) end, { at(9, 1, { host = "a" }), at(10, 2, { host = "a" }), at(19, 3, { host = "a" }) })
  t:eq(metrics(out), { 1, 3 })
end)

test("rollup: the first n as lists of one, the rest as one list, which uses up one of the next n", function(t)
  local out = t:run(function(s) return s:rollup(2, 1) end, { at(0.1, 1), at(0.2, 2), at(0.3, 3), at(0.4, 4), at(1.1, 5), at(1.2, 6), at(2.1, 7), at(3.1, 8), at(3.2, 9), 2 })
  t:eq(shapes(out), { { 1 }, { 2 }, { 3, 4 }, { 5 }, { 6 }, { 7 }, { 8 }, { 9 } })
end)

test("rollup: the list comes at the end of dt", function(t)
  local when = {}
  t:run(function(s) return s:rollup(1, 5):map_list(function(l) when[#when + 1] = now() return l end) end, { at(1, 1), at(2, 2), at(3, 3), 10 })
  t:eq(when, { 1, 5 })
end)

test("batch: lists of n, or what there is after dt", function(t)
  local when = {}
  local out = t:run(function(s) return s:batch(2, 5):map_list(function(l) when[#when + 1] = now() return l end) end, { at(1, 1), at(2, 2), at(3, 3), at(7, 4), 20 })
  t:eq({ shapes(out), when }, { { { 1, 2 }, { 3 }, { 4 } }, { 2, 5, 10 } })
end)

test("coalesce: every dt the latest event of each host and service", function(t)
  local out = t:run(function(s) return s:coalesce() end, { { host = "a", service = "x", metric = 1 }, { host = "a", service = "x", metric = 2, time = 0.5 }, 2 })
  t:eq(shapes(out), { { 2 }, { 2 } })
  out = t:run(function(s) return s:coalesce(2) end, { { host = "a", service = "x", metric = 1 }, { host = "a", service = "y", metric = 2 }, { host = "b", service = "x", metric = 3 }, 2 })
  t:eq(#out, 1)
  local got = metrics(out[1])
  table.sort(got)
  t:eq(got, { 1, 2, 3 })
end)

test("coalesce: an expired one is in it once, and it is silent when it holds nothing", function(t)
  local out = t:run(function(s) return s:coalesce(1) end, { { host = "a", metric = 1 }, 1.5, { host = "a", state = "expired" }, 5 })
  t:match(out, { { { metric = 1 } }, { { host = "a", state = "expired" } } })
end)

test("coalesce: one whose ttl has passed is shown once, with state expired and time now", function(t)
  local out = t:run(function(s) return s:coalesce(1) end, { { host = "a", metric = 1, ttl = 1.5 }, { host = "b", metric = 2, ttl = 100 }, 3 })
  t:eq(#out, 3)
  local function of(list, host) for _, e in ipairs(list) do if e.host == host then return e end end end
  t:match({ of(out[1], "a"), of(out[2], "a"), of(out[2], "b") }, { { metric = 1 }, { state = "expired", time = 2 }, { metric = 2 } })
  t:eq({ #out[1], #out[2], #out[3] }, { 2, 2, 1 })
end)

test("sample: at most one event per dt, the newest, at its end", function(t)
  local when = {}
  local out = t:run(function(s) return s:sample(2):each(function() when[#when + 1] = now() end) end, { at(0.5, 1), at(1, 2), at(2, 3), at(7, 4), 5 })
  t:eq({ metrics(out), times(out), when }, { { 2, 3, 4 }, { 1, 2, 7 }, { 2, 4, 8 } })
end)
