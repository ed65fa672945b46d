-- Table "Lists to events", and "Folds" of "Exact meanings".
local script = require "script"
local metrics, shapes = script.metrics, script.shapes

local function fold(t, name, list) return t:run(function(s) return s:fold(name) end, { list }) end

local function value(t, name, ...)
  local list = { { host = "first" } }
  for i, v in ipairs { ... } do list[i + 1] = { host = "h" .. i, metric = v } end
  local out = fold(t, name, list)
  t:eq(#out, 1)
  return out[1].metric, out[1].host
end

test("over the metrics that are there, on the list's first event", function(t)
  t:eq({ value(t, "sum", 1, 2, 4.5) }, { 7.5, "first" })
  t:eq({ value(t, "product", 2, 3, 4) }, { 24, "first" })
  t:eq({ value(t, "mean", 1, 2, 6) }, { 3, "first" })
  t:eq({ value(t, "median", 9, 1, 5) }, { 5, "first" })
  t:eq({ value(t, "stddev", 2, 4, 4, 4, 5, 5, 7, 9) }, { 2, "first" })
  t:eq({ value(t, "mode", 1, 2, 2, 3) }, { 2, "first" })
end)

test("min and max: the event itself", function(t)
  t:eq({ value(t, "min", 3, 1, 2) }, { 1, "h2" })
  t:eq({ value(t, "max", 3, 5, 2) }, { 5, "h2" })
end)

test("count: of events, with or without metric", function(t)
  t:eq({ value(t, "count", 3, 1) }, { 3, "first" })
end)

test("median of an even number is the upper one", function(t)
  t:eq((value(t, "median", 4, 1, 3, 2)), 3)
end)

test("mode at a tie: the value that got there first", function(t)
  t:eq((value(t, "mode", 1, 2, 2, 1)), 2)
  t:eq((value(t, "mode", 7, 8)), 7)
end)

test("no metric at all: sum 0, product 1, the others pass nothing", function(t)
  local list = { { host = "a" }, { host = "b" } }
  t:match(fold(t, "sum", list), { { host = "a", metric = 0 } })
  t:match(fold(t, "product", list), { { host = "a", metric = 1 } })
  for _, name in ipairs { "mean", "median", "stddev", "mode", "min", "max" } do t:eq(fold(t, name, list), {}) end
  t:match(fold(t, "count", list), { { host = "a", metric = 2 } })
end)

test("an empty list passes nothing but for count", function(t)
  local function empty(name) return t:run(function(s) return s:map_list(function() return {} end):fold(name) end, { { { metric = 1 } } }) end
  for _, name in ipairs { "sum", "product", "mean", "median", "stddev", "mode", "min", "max" } do t:eq(empty(name), {}) end
  t:match(empty "count", { { metric = 0 } })
end)

test("an unknown name is an error", function(t)
  t:error(function() events:moving_window(2):fold "medium" end, "median")
end)

test("what project leaves open counts for nothing", function(t)
  local function run(name) return t:run(function(s) return s:project('service = "a"', 'service = "b"'):fold(name) end, { { service = "b", metric = 5 } }) end
  t:match(run "sum", { { service = "b", metric = 5 } })
  t:match(run "count", { { service = "b", metric = 1 } })
  t:match(run "max", { { service = "b", metric = 5 } })
end)

test("fold(fn): fn(list) returns an event", function(t)
  local out = t:run(function(s) return s:fold(function(list) return { service = "n", metric = #list } end) end, { { { metric = 1 }, { metric = 2 } } })
  t:match(out, { { service = "n", metric = 2 } })
end)

test("lists are plain Lua tables", function(t)
  t:run(function(s)
    return s:moving_window(2):map_list(function(l)
      t:eq(type(l), "table")
      t:eq(#l, 2)
      table.sort(l, function(a, b) return a.metric < b.metric end)
      return l
    end)
  end, { { { metric = 2 }, { metric = 1 } } })
end)

test("sorted_sample passes the events at the points, one by one", function(t)
  local out = t:run(function(s) return s:sorted_sample { 0, 0.5, 1 } end, { { { service = "x", metric = 3 }, { service = "x", metric = 1 }, { service = "x", metric = 2 } } })
  t:match(out, { { service = "x 0", metric = 1 }, { service = "x 0.5", metric = 2 }, { service = "x 1", metric = 3 } })
end)

test("flatten: each element by itself", function(t)
  t:eq(metrics(t:run(function(s) return s:fixed_window(2):flatten() end, { { metric = 1 }, { metric = 2 } })), { 1, 2 })
end)
