-- Each method of streams, once; what the operators mean is tested with them.
local function metrics(list)
  local out = {}
  for i, e in ipairs(list) do out[i] = e.metric or "none" end
  return out
end

local function m(...)
  local out = {}
  for i, v in ipairs { ... } do out[i] = { metric = v, time = i } end
  return out
end

test("filters", function(t)
  local events = m(1, 2, 3)
  t:eq(metrics(t:run(function(s) return s:where "metric > 1" end, events)), { 2, 3 })
  t:eq(metrics(t:run(function(s) return s:where(function(e) return e.metric < 2 end) end, events)), { 1 })
  t:eq(metrics(t:run(function(s) return s:over(1):under(3) end, events)), { 2 })
  t:eq(metrics(t:run(function(s) return s:live() end, events)), { 1, 2, 3 })
  t:eq(metrics(t:run(function(s) return s:expired() end, events)), {})
  local tagged = { { metric = 1, tags = { "a", "b" } }, { metric = 2, tags = { "a" } }, { metric = 3 } }
  t:eq(metrics(t:run(function(s) return s:tagged("a", "b") end, tagged)), { 1 })
  t:eq(metrics(t:run(function(s) return s:tagged_any("a", "b") end, tagged)), { 1, 2 })
end)

test("split and merge", function(t)
  local out = t:run(function(s)
    local low, high, rest = s:split("metric < 2", "metric > 2")
    return merge(low:with { state = "low" }, high:with { state = "high" }, rest:with { state = "rest" })
  end, m(1, 2, 3))
  t:match(out, { { state = "low" }, { state = "rest" }, { state = "high" } })
  t:eq(#t:run(function(s) return merge(s, s) end, m(1, 2)), 4)
end)

test("changes", function(t)
  t:eq(metrics(t:run(function(s) return s:map(function(e) if e.metric ~= 2 then return e:with { metric = e.metric * 10 } end end) end, m(1, 2, 3))), { 10, 30 })
  t:eq(metrics(t:run(function(s) return s:map(function(e) return { metric = 7 } end) end, m(1))), { 7 })
  t:eq(metrics(t:run(function(s) return s:flatmap(function(e) return { e, { metric = 0 } } end) end, m(1, 2))), { 1, 0, 2, 0 })
  t:match(t:run(function(s) return s:with { state = "x", k = 5 }:default { state = "y", host = "h" } end, m(1)), { { state = "x", k = "5", host = "h" } })
  t:eq(metrics(t:run(function(s) return s:adjust("metric", function(v) return v + 1 end):scale(2) end, m(1))), { 4 })
  t:match(t:run(function(s) return s:adjust("state", function(v) return v == nil and "new" or nil end) end, m(1)), { { state = "new" } })
  t:match(t:run(function(s) return s:tag("a", "b"):untag "a" end, m(1)), { { tags = { "b" } } })
  t:match(t:run(function(s) return s:fixed_window(2):map_list(function(l) return l[2] end) end, m(1, 2)), { { metric = 2 } })
  t:match(t:run(function(s) return s:fixed_window(2):map_list(function(l) return { l[2], none, l[1] } end) end, m(1, 2)), { { { metric = 2 }, none, { metric = 1 } } })
end)

test("classify", function(t)
  local out = t:run(function(s) return s:classify { critical = "metric > 2", warning = "metric > 1" } end, m(1, 2, 3))
  t:match(out, { { state = "ok" }, { state = "warning" }, { state = "critical" } })
  out = t:run(function(s) return s:classify { { "major", "metric > 2" }, { "minor", function(e) return e.metric > 1 end }, "fine" } end, m(1, 2, 3))
  t:match(out, { { state = "fine" }, { state = "minor" }, { state = "major" } })
  out = t:run(function(s) return s:classify { { "major", "metric > 2" } } end, m(1, 3))
  t:match(out, { { state = none }, { state = "major" } })
  out = t:run(function(s) return s:threshold { warning = 1, critical = 2 } end, m(1, 2, 3))
  t:match(out, { { state = "ok" }, { state = "warning" }, { state = "critical" } })
end)

test("groups and comparisons", function(t)
  local script = { { host = "a", metric = 1 }, { host = "b", metric = 1 }, { host = "a", metric = 1 }, { host = "a", metric = 2 } }
  t:eq(#t:run(function(s) return s:by("host"):changed "metric" end, script), 3)
  t:eq(#t:run(function(s) return s:by(function(e) return e.host end):changed("metric", { init = 1 }) end, script), 1)
  local out = t:run(function(s) return s:changed("metric", { pairs = true }) end, m(1, 1, 2))
  t:match(out, { { none, { metric = 1 } }, { { metric = 1 }, { metric = 2 } } })
  t:ok(out[1][1] == none)
  t:eq(metrics(t:run(function(s) return s:runs(2, "metric") end, m(1, 1, 2))), { 1 })
  t:eq(metrics(t:run(function(s) return s:at_least(2, 3, "metric > 1") end, m(1, 2, 3))), { 3 })
  t:match(t:run(function(s) return s:flapping() end, { { state = "ok" } }), { { flapping = "false" } })
  local two = { { host = "a", service = "x", metric = 1 }, { host = "b", service = "x", metric = 2 } }
  t:match(t:run(function(s) return (s:top(1, "metric")):live() end, two), { { host = "a", metric = 1 }, { host = "b", metric = 2 } })
  t:match(t:run(function(s) return select(2, s:top(1, "metric")):live() end, two), { { host = "a", metric = 1 } })
  t:eq(metrics(t:run(function(s) return s:stable(2, "metric") end, { { metric = 1 }, { metric = 2 }, 3 })), { 2 })
end)

test("rates", function(t)
  t:match(t:run(function(s) return s:rate(1) end, { { metric = 1 }, { metric = 3 }, 1 }), { { metric = 4, time = 1 } })
  t:eq(metrics(t:run(function(s) return s:ddt() end, m(1, 3, 7))), { 2, 4 })
  t:eq(#t:run(function(s) return s:ddt(1) end, { { metric = 1 }, 3 }) > 0, true)
  t:eq(metrics(t:run(function(s) return s:counter(5) end, m(1, 2))), { 6, 8 })
  t:eq(metrics(t:run(function(s) return s:reduce(function(acc, e) return e:with { metric = acc.metric + e.metric } end) end, m(1, 2, 3))), { 3, 6 })
  t:eq(metrics(t:run(function(s) return s:reduce(function(acc, e) return e:with { metric = acc.metric + e.metric } end, { metric = 10 }) end, m(1, 2))), { 11, 13 })
  t:eq(#t:run(function(s) return s:ewma(30) end, m(1, 2)), 2)
  t:eq(metrics(t:run(function(s) return s:ewma_timeless(0.5) end, m(4))), { 2 })
  t:match(t:run(function(s) return s:percentiles(1, { 0, 1 }) end, { { service = "s", metric = 1 }, { service = "s", metric = 2 }, 1 }), { { service = "s 0", metric = 1 }, { service = "s 1", metric = 2 } })
  t:match(t:run(function(s) return s:apdex(1, { satisfied = "metric < 2", tolerated = "metric < 3" }) end, { { metric = 1 }, { metric = 2 }, 1 }), { { metric = 0.75 } })
  t:eq(metrics(t:run(function(s) return s:predict(3, 1) end, m(1, 2, 3))), { 3, 4 })
  t:eq(#t:run(function(s) return s:clock_skew() end, m(1)), 1)
end)

test("gaps", function(t)
  t:eq(metrics(t:run(function(s) return s:fill(1, { metric = 0 }) end, { { metric = 1 }, 2 })), { 1, 0, 0 })
  t:match(t:run(function(s) return s:fill_last(1, { state = "old" }) end, { { metric = 1 }, 1 }), { { metric = 1 }, { metric = 1, state = "old", time = 1 } })
  t:eq(metrics(t:run(function(s) return s:interpolate(1) end, { { metric = 1 }, 2 })), { 1, 1, 1 })
end)

test("holding back", function(t)
  t:eq(metrics(t:run(function(s) return s:throttle(1, 10) end, m(1, 2))), { 1 })
  t:match(t:run(function(s) return s:batch(2, 10) end, m(1, 2)), { { { metric = 1 }, { metric = 2 } } })
  t:match(t:run(function(s) return s:rollup(1, 10) end, { { metric = 1 }, { metric = 2 }, { metric = 3 }, 10 }), { { { metric = 1 } }, { { metric = 2 }, { metric = 3 } } })
  t:eq(metrics(t:run(function(s) return s:sample(10) end, { { metric = 1 }, { metric = 2 }, 10 })), { 2 })
  t:match(t:run(function(s) return s:coalesce() end, { { host = "a", metric = 1 }, { host = "a", metric = 2 }, 1 }), { { { metric = 2 } } })
end)

test("windows", function(t)
  t:match(t:run(function(s) return s:moving_window(2) end, m(1, 2, 3)), { { { metric = 1 } }, { { metric = 1 }, { metric = 2 } }, { { metric = 2 }, { metric = 3 } } })
  t:match(t:run(function(s) return s:moving_time_window(2) end, m(1, 2, 3)), { { { metric = 1 } }, { { metric = 1 }, { metric = 2 } }, { { metric = 2 }, { metric = 3 } } })
  t:match(t:run(function(s) return s:fixed_time_window(2, { aligned = true }) end, m(1, 2, 3)), { { { metric = 1 } } })
  local out = t:run(function(s) return s:project("metric = 1", "metric = 2") end, m(1, 2))
  t:match(out, { { { metric = 1 }, none }, { { metric = 1 }, { metric = 2 } } })
  t:ok(out[1][2] == none)
end)

test("folds", function(t)
  local list = { { metric = 1 }, { metric = 2 }, { metric = 6 } }
  for name, want in pairs { sum = 9, product = 12, mean = 3, median = 2, min = 1, max = 6, count = 3 } do
    t:match(t:run(function(s) return s:fold(name) end, { list }), { { metric = want } })
  end
  t:match(t:run(function(s) return s:fold(function(l) return l[#l]:with { metric = #l } end) end, { list }), { { metric = 3 } })
  t:match(t:run(function(s) return s:sorted_sample { 0, 1 } end, { list }), { { metric = 1 }, { metric = 6 } })
  t:eq(metrics(t:run(function(s) return s:flatten() end, { list })), { 1, 2, 6 })
end)

test("out", function(t)
  local seen = {}
  t:run(function(s) return s:each(function(e) seen[#seen + 1] = e.metric end):tap "a":emit():index() end, m(1, 2))
  t:eq(seen, { 1, 2 })
  t:eq(metrics(t:tapped "a"), { 1, 2 })
  t:error(function() t:tapped "b" end, 'there is no tap "b"')
end)

test("lists where events are expected", function(t)
  local out = t:run(function(s)
    local passed, errors = s:fixed_window(1):ewma(1):catch()
    return errors
  end, m(1))
  t:match(out, { { service = "tocsin error", tags = { "tocsin", "error" }, state = "critical" } })
  t:ok(out[1].description:find "flatten")
end)

test("errors in functions", function(t)
  local out = t:run(function(s)
    local passed, errors = s:map(function(e) return e.metric + nil end):catch()
    return errors
  end, { { host = "h", service = "x", metric = 1 } })
  t:match(out, { { event_host = "h", event_service = "x", rule = none } })
  t:ok(out[1].description:find "^testdata/language/streams_test.lua:%d+: ", out[1].description)
  out = t:run(function(s)
    local passed, errors = s:map(function(e) return 5 end):catch()
    return errors
  end, m(1))
  t:ok(out[1].description:find "expected an event, got the number 5", out[1].description)
end)
