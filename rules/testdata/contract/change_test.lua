-- Table "Change", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, states, shapes = script.at, script.metrics, script.states, script.shapes

test("map passes what fn returns; nil drops the event", function(t)
  local out = t:run(function(s) return s:map(function(e) if e.metric > 1 then return e:with { metric = e.metric * 2 } end end) end, { at(1, 1), at(2, 2) })
  t:match(out, { { metric = 4, time = 2 } })
end)

test("flatmap passes each element of the list", function(t)
  local out = t:run(function(s)
    return s:flatmap(function(e)
      local list = {}
      for i = 1, e.metric do list[i] = { metric = i } end
      return list
    end)
  end, { at(1, 2), at(2, 0), at(3, 1) })
  t:eq(metrics(out), { 1, 2, 1 })
end)

test("with sets, default sets those that are absent", function(t)
  local out = t:run(function(s) return s:with { state = "x", customer = "c", ttl = none } end, { { state = "y", ttl = 5, metric = 1 } })
  t:match(out, { { state = "x", customer = "c", ttl = none, metric = 1 } })
  out = t:run(function(s) return s:default { state = "x", metric = 5, customer = "d", tags = { "t" } } end, { { state = "", metric = 0 }, { customer = "c", tags = { "u" } } })
  t:match(out, { { state = "", metric = 0, customer = "d", tags = { "t" } }, { state = "x", metric = 5, customer = "c", tags = { "u" } } })
end)

test("adjust: the field becomes fn(value)", function(t)
  local out = t:run(function(s) return s:adjust("metric", function(v) return (v or 10) + 1 end):adjust("customer", function(v) return v and v:upper() end) end,
    { at(1, 1, { customer = "a" }), { time = 2 } })
  t:match(out, { { metric = 2, customer = "A" }, { metric = 11, customer = none } })
end)

test("adjust can remove a field", function(t)
  t:match(t:run(function(s) return s:adjust("state", function() return none end) end, { { state = "ok" } }), { { state = none } })
  t:match(t:run(function(s) return s:adjust("state", function() return nil end) end, { { state = "ok" } }), { { state = none } })
end)

test("adjust changes tags, which are always a list", function(t)
  local function more(tags) tags[#tags + 1] = "x" return tags end
  t:match(t:run(function(s) return s:adjust("tags", more) end, { { tags = { "a" } }, {} }), { { tags = { "a", "x" } }, { tags = { "x" } } })
  t:match(t:run(function(s) return s:adjust("tags", function() end) end, { { tags = { "a" } } }), { { tags = {} } })
end)

test("scale: without a metric unchanged", function(t)
  t:eq(metrics(t:run(function(s) return s:scale(0.5) end, { at(1, 3), { time = 2 } })), { 1.5, "-" })
end)

test("tag adds in front, without doubles; untag removes", function(t)
  local function tags(build, list) return t:run(build, { { tags = list } })[1].tags end
  t:eq(tags(function(s) return s:tag("a", "b") end, { "c" }), { "a", "b", "c" })
  t:eq(tags(function(s) return s:tag("a", "b") end, { "c", "a" }), { "a", "b", "c" })
  t:eq(tags(function(s) return s:tag("a") end, nil), { "a" })
  t:eq(tags(function(s) return s:untag("a", "x") end, { "a", "b" }), { "b" })
  t:eq(tags(function(s) return s:untag "a" end, { "a" }), {})
end)

test("classify: critical if its pred holds, else warning, else ok", function(t)
  local out = t:run(function(s) return s:classify { critical = "metric > 2", warning = "metric > 1" } end, { at(1, 3), at(2, 2), at(3, 1), { time = 4, state = "x" } })
  t:eq(states(out), { "critical", "warning", "ok", "ok" })
  t:eq(states(t:run(function(s) return s:classify { warning = "metric > 1" } end, { at(1, 3), at(2, 0) })), { "warning", "ok" })
end)

test("classify in order; without a last name it leaves the state", function(t)
  local events = { at(1, 3, { state = "s" }), at(2, 2, { state = "s" }), at(3, 1, { state = "s" }) }
  t:eq(states(t:run(function(s) return s:classify { { "major", "metric > 2" }, { "minor", "metric > 1" }, "fine" } end, events)), { "major", "minor", "fine" })
  t:eq(states(t:run(function(s) return s:classify { { "major", "metric > 2" }, { "minor", "metric > 1" } } end, events)), { "major", "minor", "s" })
end)

-- threshold runs the metrics through one.
local function threshold(t, options, values)
  local events = {}
  for i, v in ipairs(values) do events[i] = at(i, v ~= "-" and v or nil, { state = "given" }) end
  return states(t:run(function(s) return s:threshold(options) end, events))
end

test("threshold: beyond means metric > limit", function(t)
  t:eq(threshold(t, { warning = 1, critical = 2 }, { 1, 1.5, 2, 2.5, 1 }), { "ok", "warning", "warning", "critical", "ok" })
end)

test("threshold with below: metric < limit", function(t)
  t:eq(threshold(t, { warning = 2, critical = 1, below = true }, { 2, 1.5, 1, 0.5, 3 }), { "ok", "warning", "warning", "critical", "ok" })
end)

test("threshold: either limit may be missing", function(t)
  t:eq(threshold(t, { warning = 1 }, { 1, 5 }), { "ok", "warning" })
  t:eq(threshold(t, { critical = 1 }, { 1, 5 }), { "ok", "critical" })
end)

test("threshold: a state is left when the metric is back by hysteresis", function(t)
  local o = { warning = 80, critical = 90, hysteresis = 5 }
  t:eq(threshold(t, o, { 81, 79, 76, 75, 79, 81 }), { "warning", "warning", "warning", "ok", "ok", "warning" })
  t:eq(threshold(t, o, { 91, 86, 85 }), { "critical", "critical", "warning" })
end)

test("threshold: then goes to the next lower one that still holds, by the same measure", function(t)
  local o = { warning = 80, critical = 90, hysteresis = 5 }
  t:eq(threshold(t, o, { 91, 76, 75 }), { "critical", "warning", "ok" })
  t:eq(threshold(t, o, { 91, 75, 81 }), { "critical", "ok", "warning" })
  t:eq(threshold(t, { critical = 90, hysteresis = 5 }, { 91, 85 }), { "critical", "ok" })
end)

test("threshold with below and hysteresis", function(t)
  t:eq(threshold(t, { warning = 20, critical = 10, below = true, hysteresis = 5 }, { 19, 24, 25, 9, 14, 15, 24, 25 }),
    { "warning", "warning", "ok", "critical", "critical", "warning", "warning", "ok" })
end)

test("threshold: taken only after hits events in a row that call for it or worse", function(t)
  local o = { warning = 80, critical = 90, hits = 2 }
  t:eq(threshold(t, o, { 81, 82 }), { "ok", "warning" })
  t:eq(threshold(t, o, { 81, 70, 81, 81 }), { "ok", "ok", "ok", "warning" })
  t:eq(threshold(t, o, { 91, 81, 91, 91 }), { "ok", "warning", "warning", "critical" })
  t:eq(threshold(t, o, { 81, 91, 91 }), { "ok", "warning", "critical" })
end)

test("threshold: hits delay only the way up", function(t)
  t:eq(threshold(t, { warning = 80, critical = 90, hits = 2 }, { 91, 91, 85, 70 }), { "ok", "critical", "warning", "ok" })
end)

test("threshold: without a metric an event passes unchanged, and does not break the hits", function(t)
  t:eq(threshold(t, { warning = 80, hits = 2 }, { 81, "-", 81, "-" }), { "ok", "given", "warning", "given" })
end)

test("with, default, adjust, scale, tag, untag and map change each event of a list", function(t)
  local list = { { { metric = 1, tags = { "x" } }, { metric = 2, state = "s" } } }
  t:match(t:run(function(s) return s:with { state = "a" } end, list), { { { metric = 1, state = "a" }, { metric = 2, state = "a" } } })
  t:match(t:run(function(s) return s:default { state = "a" } end, list), { { { state = "a" }, { state = "s" } } })
  t:eq(shapes(t:run(function(s) return s:adjust("metric", function(v) return v + 1 end):scale(10) end, list)), { { 20, 30 } })
  t:match(t:run(function(s) return s:tag "y":untag "x" end, list), { { { tags = { "y" } }, { tags = { "y" } } } })
  t:eq(shapes(t:run(function(s) return s:map(function(e) if e.metric > 1 then return e end end) end, list)), { { 2 } })
end)

test("map with a function over lists is map_list", function(t)
  t:eq(shapes(t:run(function(s) return s:map_list(function(l) return { l[2], l[1] } end) end, { { { metric = 1 }, { metric = 2 } } })), { { 2, 1 } })
  t:eq(metrics(t:run(function(s) return s:map_list(function(l) return l[2] end) end, { { { metric = 1 }, { metric = 2 } } })), { 2 })
  t:eq(t:run(function(s) return s:map_list(function(l) return nil end) end, { { { metric = 1 } } }), {})
end)
