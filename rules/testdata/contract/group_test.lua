-- Table "Group and compare", and what "Exact meanings" says about it.
local script = require "script"
local at, metrics, states, shapes, times = script.at, script.metrics, script.states, script.shapes, script.times

test("by keeps everything after it apart for each combination of keys", function(t)
  local events = {
    { host = "a", service = "x", metric = 1 }, { host = "a", service = "y", metric = 2 }, { host = "b", service = "x", metric = 4 },
    { host = "a", service = "x", metric = 8 }, { host = "a", service = "y", metric = 16 },
  }
  t:eq(metrics(t:run(function(s) return s:by "host":counter() end, events)), { 1, 3, 4, 11, 27 })
  t:eq(metrics(t:run(function(s) return s:by("host", "service"):counter() end, events)), { 1, 2, 4, 9, 18 })
  t:eq(metrics(t:run(function(s) return s:by(function(e) return e.metric < 5 end):counter() end, events)), { 1, 3, 7, 8, 24 })
end)

test("by an attribute; a key that is absent is a group of its own", function(t)
  local events = { { zone = "a", metric = 1 }, { metric = 2 }, { zone = "", metric = 4 }, { metric = 8 }, { zone = "a", metric = 16 }, { zone = "", metric = 32 } }
  t:eq(metrics(t:run(function(s) return s:by "zone":counter() end, events)), { 1, 2, 4, 10, 17, 36 })
  t:eq(metrics(t:run(function(s) return s:by(function(e) return e.zone end):counter() end, events)), { 1, 2, 4, 10, 17, 36 })
end)

test("by within by", function(t)
  local out = t:run(function(s) return s:by "host":by "service":counter() end,
    { { host = "a", service = "x", metric = 1 }, { host = "b", service = "x", metric = 2 }, { host = "a", service = "y", metric = 4 }, { host = "a", service = "x", metric = 8 } })
  t:eq(metrics(out), { 1, 2, 4, 9 })
end)

test("by keeps several branches apart together", function(t)
  local out = t:run(function(s)
    local g = s:by "host"
    return merge(g:counter(), g:moving_window(2):fold "count")
  end, { { host = "a", metric = 5 }, { host = "b", metric = 7 }, { host = "a", metric = 6 } })
  t:eq(metrics(out), { 5, 1, 7, 1, 11, 2 })
end)

test("changed passes when the key differs from the last", function(t)
  local events = { { metric = 1 }, { metric = 2, state = "ok" }, { metric = 3, state = "ok" }, { metric = 4, state = "bad" }, { metric = 5 }, { metric = 6 }, { metric = 7, state = "ok" } }
  t:eq(metrics(t:run(function(s) return s:changed "state" end, events)), { 2, 4, 5, 7 })
  t:eq(metrics(t:run(function(s) return s:changed("state", { init = "ok" }) end, events)), { 1, 2, 4, 5, 7 })
  t:eq(metrics(t:run(function(s) return s:changed(function(e) return e.state == "ok" end, { init = false }) end, events)), { 2, 4, 7 })
  t:eq(metrics(t:run(function(s) return s:changed("metric", { init = 1 }) end, events)), { 2, 3, 4, 5, 6, 7 })
end)

test("changed with pairs: the list { before, now }, the first pair is { none, e }", function(t)
  local out = t:run(function(s) return s:changed("state", { pairs = true }) end, { { state = "a", metric = 1 }, { state = "a", metric = 2 }, { state = "b", metric = 3 } })
  t:eq(#out, 2)
  t:ok(out[1][1] == none)
  t:eq(out[1][2].metric, 1)
  t:match(out[2], { { state = "a", metric = 2 }, { state = "b", metric = 3 } })
end)

test("changed of tags compares the lists", function(t)
  t:eq(metrics(t:run(function(s) return s:changed "tags" end, { at(1, 1, { tags = { "a" } }), at(2, 2, { tags = { "a" } }), at(3, 3, { tags = { "a", "b" } }) })), { 1, 3 })
end)

test("stable passes what keeps the key for dt, held back until that is sure", function(t)
  local events = { at(0, 1, { state = "a" }), at(1, 2, { state = "a" }), at(2, 3, { state = "b" }), at(3, 4, { state = "b" }), at(6, 5, { state = "b" }), at(7, 6, { state = "b" }), at(8, 7, { state = "a" }) }
  local out = t:run(function(s) return s:stable(3, "state") end, events)
  t:eq(metrics(out), { 3, 4, 5, 6 })
  t:eq(times(out), { 2, 3, 6, 7 })
end)

test("stable: dt or longer", function(t)
  t:eq(metrics(t:run(function(s) return s:stable(3, "state") end, { at(0, 1, { state = "a" }), at(3, 2, { state = "a" }) })), { 1, 2 })
end)

test("stable: a timer releases them too", function(t)
  local seen = {}
  local function build(s) return s:stable(3, "state"):each(function(e) seen[#seen + 1] = { e.metric, now() } end) end
  t:run(build, { at(0, 1, { state = "a" }), at(1, 2, { state = "a" }), 1.9 })
  t:eq(seen, {})
  t:run(build, { at(0, 1, { state = "a" }), at(1, 2, { state = "a" }), 9 })
  t:eq(seen, { { 1, 3 }, { 2, 3 } })
end)

test("runs passes the newest event when the last n share the key", function(t)
  local events = { at(1, 1), at(2, 1), at(3, 1), at(4, 2), at(5, 2), at(6, 1) }
  t:eq(times(t:run(function(s) return s:runs(2, "metric") end, events)), { 2, 3, 5 })
  t:eq(times(t:run(function(s) return s:runs(3, "metric") end, events)), { 3 })
  t:eq(times(t:run(function(s) return s:runs(1, "metric") end, events)), { 1, 2, 3, 4, 5, 6 })
  t:eq(times(t:run(function(s) return s:runs(2, function(e) return e.metric > 0 end) end, events)), { 2, 3, 4, 5, 6 })
end)

test("at_least passes an event for which pred holds when it held for k of the last n", function(t)
  local events = { at(1, 0), at(2, 9), at(3, 0), at(4, 9), at(5, 0), at(6, 0), at(7, 9), at(8, 9), at(9, 0) }
  t:eq(times(t:run(function(s) return s:at_least(2, 3, "metric > 5") end, events)), { 4, 8 })
  t:eq(times(t:run(function(s) return s:at_least(1, 1, "metric > 5") end, events)), { 2, 4, 7, 8 })
end)

test("at_least before n events: k of those so far", function(t)
  t:eq(times(t:run(function(s) return s:at_least(2, 10, "metric > 5") end, { at(1, 9), at(2, 9) })), { 2 })
end)

test("flapping from high changes within the window until low or fewer", function(t)
  local events = {}
  for i, state in ipairs { "a", "b", "a", "b", "b", "b" } do events[i] = at(({ 0, 1, 2, 3, 11.5, 12.5 })[i], i, { state = state }) end
  local out = t:run(function(s) return s:flapping { window = 10, high = 3, low = 1 } end, events)
  local flags = {}
  for i, e in ipairs(out) do if e.time == e.time and e.metric then flags[e.metric] = e.flapping end end
  t:eq(flags, { "false", "false", "false", "true", "true", "false" })
end)

test("flapping: the first state is no change", function(t)
  local out = t:run(function(s) return s:flapping { window = 10, high = 1, low = 0 } end, { at(0, 1, { state = "a" }), at(1, 2, { state = "b" }) })
  t:match({ out[1], out[2] }, { { flapping = "false" }, { flapping = "true" } })
end)

-- top returns what came out of one of top's two streams.
local function top(t, which, k, events)
  local out = t:run(function(s) return (select(which, s:top(k, "metric"))) end, events)
  local short = {}
  for i, e in ipairs(out) do short[i] = e.host .. (e.state == "expired" and "!" or e.metric or "-") end
  return table.concat(short, " ")
end

local function seen(host, metric, fields)
  local e = { host = host, service = "s", metric = metric, ttl = 1000 }
  for k, v in pairs(fields or {}) do e[k] = v end
  return e
end

test("top passes those in the k largest, and the others to the second stream", function(t)
  local events = { seen("a", 1), seen("b", 2), seen("c", 0), seen("a", 3) }
  t:eq(top(t, 1, 1, events), "a1 a! b2 c! b! a3")
  t:eq(top(t, 2, 1, events), "a! a1 b! c0 b2 a!")
end)

test("top: who is in stays in at a tie, the latest of equals is demoted", function(t)
  t:eq(top(t, 1, 1, { seen("a", 1), seen("b", 1) }), "a1 b!")
  t:eq(top(t, 1, 2, { seen("x", 5), seen("y", 5), seen("z", 6) }), "x5 y5 y! z6")
end)

test("top: an event without the key leaves the set", function(t)
  t:eq(top(t, 1, 1, { seen("a", 5), seen("a"), seen("b", 1) }), "a5 a! b1")
end)

test("top: an expired event goes to both and leaves the set", function(t)
  local events = { seen("a", 5), seen("a", nil, { state = "expired" }), seen("b", 1) }
  t:eq(top(t, 1, 1, events), "a5 a! b1")
  t:eq(top(t, 2, 1, events), "a! a! b!")
end)

test("top: an expiry is made as the index makes one", function(t)
  local out = t:run(function(s) return (select(2, s:top(1, "metric"))) end,
    { { host = "a", service = "s", metric = 1, time = 3, ttl = 9, description = "d", tags = { "t" }, zone = "z" } })
  t:match(out, { { host = "a", service = "s", state = "expired", time = 3, metric = none, description = none, ttl = none, tags = { "t" }, zone = "z" } })
end)
