-- Table "Windows", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, shapes, times = script.at, script.metrics, script.shapes, script.times

test("moving_window: the last n events, on each event", function(t)
  t:eq(shapes(t:run(function(s) return s:moving_window(2) end, { at(1, 1), at(2, 2), at(3, 3) })), { { 1 }, { 1, 2 }, { 2, 3 } })
end)

test("fixed_window: n at a time", function(t)
  t:eq(shapes(t:run(function(s) return s:fixed_window(2) end, { at(1, 1), at(2, 2), at(3, 3), at(4, 4), at(5, 5) })), { { 1, 2 }, { 3, 4 } })
end)

test("moving_time_window: events with time > newest − dt; older ones dropped", function(t)
  local out = t:run(function(s) return s:moving_time_window(2) end, { at(1, 1), at(2, 2), at(3, 3), at(1, 4), at(2.5, 5), at(9, 6) })
  t:eq(#out, 5)
  t:eq({ metrics(out[1]), metrics(out[2]), metrics(out[3]), metrics(out[5]) }, { { 1 }, { 1, 2 }, { 2, 3 }, { 6 } })
  local fourth = metrics(out[4])
  table.sort(fourth)
  t:eq(fourth, { 2, 3, 5 })
end)

-- closing runs events through a fixed_time_window and tells what closed when.
local function closing(t, dt, options, events)
  local when = {}
  local out = t:run(function(s) return s:fixed_time_window(dt, options):map_list(function(l) when[#when + 1] = now() return l end) end, events)
  return { shapes(out), when }
end

test("fixed_time_window: tumbling, from the first event's time", function(t)
  t:eq(closing(t, 2, nil, { at(1, 1), at(2, 2), at(3, 3), at(4.5, 4), 5 }), { { { 1, 2 }, { 3, 4 } }, { 3, 5 } })
end)

test("fixed_time_window: aligned from multiples of dt", function(t)
  t:eq(closing(t, 2, { aligned = true }, { at(1, 1), at(2, 2), at(3, 3), at(4.5, 4), 5 }), { { { 1 }, { 2, 3 }, { 4 } }, { 2, 4, 6 } })
end)

test("fixed_time_window: an event for a closed window is dropped", function(t)
  t:eq(closing(t, 2, { aligned = true }, { at(1, 1), at(2, 2), at(1.5, 9), 2 }), { { { 1 }, { 2 } }, { 2, 4 } })
end)

test("fixed_time_window: a window closes at its end + late", function(t)
  t:eq(closing(t, 2, { aligned = true, late = 1 }, { at(1, 1), at(2.5, 2), at(1.5, 3), at(3, 4), at(1.75, 5), 3 }), { { { 1, 3 }, { 2, 4 } }, { 3, 5 } })
end)

test("fixed_time_window: empty windows between two events are passed when the later comes", function(t)
  t:eq(closing(t, 2, { aligned = true }, { at(1, 1), at(7, 2), 3 }), { { { 1 }, {}, {}, { 2 } }, { 2, 7, 7, 8 } })
  t:eq(closing(t, 2, nil, { at(1, 1), at(8, 2), 3 }), { { { 1 }, {}, {}, { 2 } }, { 3, 8, 8, 9 } })
end)

test("fixed_time_window: an event before the first window opens its own, if that is not closed", function(t)
  t:eq(closing(t, 2, { late = 5 }, { at(5, 1), at(4, 2), 20 }), { { { 2 }, { 1 } }, { 10, 12 } })
  t:eq(closing(t, 2, { aligned = true }, { at(5, 1), at(3, 2), 20 }), { { { 1 } }, { 6 } })
end)

test("project: the list of the newest event for each pred, whenever one arrives", function(t)
  local out = t:run(function(s) return s:project('service = "a"', 'service = "b"') end,
    { { service = "a", metric = 1 }, { service = "x", metric = 2 }, { service = "b", metric = 3 }, { service = "a", metric = 4 } })
  t:eq(shapes(out), { { 1, "none" }, { 1, 3 }, { 4, 3 } })
  t:ok(out[1][2] == none)
end)

test("project: expired ones once, then cleared", function(t)
  local out = t:run(function(s) return s:project('service = "a"', 'service = "b"') end,
    { { service = "a", metric = 1 }, { service = "b", metric = 2 }, { service = "a", state = "expired" }, { service = "b", metric = 3 } })
  t:match(out, { { { metric = 1 }, none }, { { metric = 1 }, { metric = 2 } }, { { state = "expired" }, { metric = 2 } }, { none, { metric = 3 } } })
end)

test("project: one event that matches several preds gives one list", function(t)
  t:eq(shapes(t:run(function(s) return s:project("metric > 0", "metric > 1") end, { at(1, 2), at(2, 1) })), { { 2, 2 }, { 1, 2 } })
end)

test("project: one whose ttl has passed is shown once, with state expired and time now", function(t)
  local out = t:run(function(s) return s:project('service = "a"', 'service = "b"') end,
    { { service = "a", metric = 1, ttl = 10 }, { service = "b", metric = 2, time = 20, ttl = 100 }, { service = "b", metric = 3, time = 21, ttl = 100 } })
  t:match(out, { { { metric = 1 }, none }, { { state = "expired", time = 20 }, { metric = 2 } }, { none, { metric = 3 } } })
end)

test("an operator that takes events and gets a list passes an error event that names flatten", function(t)
  local function ops(s)
    return {
      s:where "true", s:over(1), s:by "host", s:changed "state", s:counter(), s:rate(1), s:throttle(1, 1), s:moving_window(2), s:classify { critical = "true" },
      s:runs(1, "state"), s:stable(1, "state"), s:batch(1, 1), s:coalesce(), s:project "true", s:ewma(1), s:sample(1),
    }
  end
  local n
  t:run(function(s) n = #ops(s) return s end, {})
  for i = 1, n do
    local out = t:run(function(s)
      local passed, errors = ops(s)[i]:catch()
      return errors
    end, { { { metric = 1 }, { metric = 2 } } })
    t:ok(#out == 1, "operator " .. i)
    t:match(out, { { service = "tocsin error", state = "critical", tags = { "tocsin", "error" } } })
    t:ok(out[1].description:find "flatten", out[1].description)
  end
end)
