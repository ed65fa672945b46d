-- "Time and expiry" of "Exact meanings".
local script = require "script"
local at, metrics, states, times = script.at, script.metrics, script.states, script.times

local function seen(t) return states(t:tapped "all") end

test("an event expires at the instant arrival + ttl", function(t)
  events:tap "all"
  t:send { host = "a", ttl = 10, time = 5 }
  t:advance(9.999)
  t:eq(seen(t), { "-" })
  t:advance(0.001)
  t:eq(seen(t), { "-", "expired" })
  t:eq(t:tapped "all"[2].time, 15)
end)

test("settings.ttl, 60, where an event brings none", function(t)
  events:tap "all"
  t:send { host = "a" }
  t:advance(59)
  t:eq(#t:tapped "all", 1)
  t:advance(1)
  t:eq(#t:tapped "all", 2)
end)

test("settings.ttl can be set", function(t)
  settings { ttl = 5 }
  events:tap "all"
  t:send({ host = "a" }, { host = "b", ttl = 7 })
  t:advance(5)
  t:match(t:tapped "all", { { host = "a" }, { host = "b" }, { host = "a", state = "expired" } })
end)

test("a renewed event does not expire at the old time", function(t)
  events:tap "all"
  t:send({ host = "a", ttl = 10 }, { host = "a", ttl = 10, time = 6 })
  t:advance(9)
  t:eq(seen(t), { "-", "-" })
  t:advance(1)
  t:eq(seen(t), { "-", "-", "expired" })
end)

test("the expiry keeps host, service, tags and attributes; metric, description and ttl go", function(t)
  events:tap "all"
  t:send { host = "a", service = "s", state = "ok", description = "d", metric = 1, ttl = 3, tags = { "x" }, zone = "z" }
  t:advance(3)
  t:match({ t:tapped "all"[2], lookup("a", "s") }, {
    { host = "a", service = "s", state = "expired", description = none, metric = none, ttl = none, tags = { "x" }, zone = "z", time = 3 },
    { host = "a", service = "s", state = "expired", description = none, metric = none, ttl = none, tags = { "x" }, zone = "z", time = 3 },
  })
end)

test("an expired event from a source expires its entry at once; there is no second one", function(t)
  events:tap "all"
  t:send({ host = "a", service = "s", ttl = 10 }, { host = "a", service = "s", state = "expired", time = 1 })
  t:eq(lookup("a", "s").state, "expired")
  t:advance(100)
  t:eq(seen(t), { "-", "expired" })
end)

test("one from a source takes tags and attributes of its entry, where it has none", function(t)
  events:tap "all"
  t:send({ host = "a", service = "s", tags = { "x" }, zone = "z" }, { host = "a", service = "s", state = "expired", metric = 5, description = "d", ttl = 9 })
  t:match({ t:tapped "all"[2] }, { { host = "a", service = "s", state = "expired", tags = { "x" }, zone = "z", metric = none, description = none, ttl = none } })
end)

test("one for an unknown identity is passed on all the same", function(t)
  events:tap "all"
  t:send { host = "a", service = "s", state = "expired" }
  t:advance(100)
  t:match(t:tapped "all", { { host = "a", service = "s", state = "expired" } })
end)

test("one that is late goes through the streams only", function(t)
  events:tap "all"
  t:send({ host = "a", time = 10, ttl = 20, metric = 1 }, { host = "a", time = 5, state = "expired" })
  t:eq(lookup("a", nil).metric, 1)
  t:advance(20)
  t:match(t:tapped "all", { { time = 10 }, { time = 5, state = "expired" }, { time = 30, state = "expired" } })
end)

test("one for an entry that has expired already goes through the streams only", function(t)
  events:tap "all"
  t:send { host = "a", ttl = 5 }
  t:advance(10)
  t:send { host = "a", state = "expired" }
  t:advance(10)
  t:eq(seen(t), { "-", "expired", "expired" })
  t:eq(lookup("a", nil).time, 5)
end)

test("an event older than the indexed one neither replaces the entry nor renews its ttl", function(t)
  events:tap "all"
  t:send({ host = "a", time = 10, ttl = 10, metric = 1 }, { host = "b", time = 15 }, { host = "a", time = 5, ttl = 100, metric = 2 })
  t:eq(lookup("a", nil).metric, 1)
  t:eq(metrics(t:tapped "all"), { 1, "-", 2 })
  t:advance(5)
  t:match({ t:tapped "all"[4] }, { { host = "a", state = "expired", time = 20 } })
end)

test("one of the same time replaces it", function(t)
  t:send({ host = "a", time = 10, metric = 1 }, { host = "a", time = 10, metric = 2 })
  t:eq(lookup("a", nil).metric, 2)
end)

test("an expired entry is replaced by any event that is not older than the last live one", function(t)
  t:send { host = "a", time = 10, ttl = 5, metric = 1 }
  t:advance(20)
  t:send { host = "a", time = 9, metric = 2 }
  t:eq(lookup("a", nil).state, "expired")
  t:send { host = "a", time = 12, metric = 3 }
  t:eq(lookup("a", nil).metric, 3)
end)

test("a copy keeps its event's arrival", function(t)
  local out = t:run(function(s) return s:batch(2, 100):flatten():map(function(e) return e:with { state = "copy" } end):expired() end,
    { { host = "a", ttl = 5 }, { host = "b", time = 6, ttl = 5 } })
  t:match(out, { { host = "a" } })
  out = t:run(function(s) return s:batch(2, 100):flatten():with { zone = "z" }:expired() end, { { host = "a", ttl = 5 }, { host = "b", time = 6, ttl = 5 } })
  t:match(out, { { host = "a" } })
end)

test("a new event arrives when it is made", function(t)
  local out = t:run(function(s) return s:batch(2, 100):flatten():map(function(e) return { host = e.host, ttl = 5 } end):expired() end,
    { { host = "a", ttl = 5 }, { host = "b", time = 6, ttl = 5 } })
  t:eq(out, {})
end)

test("an emitted event arrives when emitted", function(t)
  events:where 'service = "in" and not expired':batch(2, 10):flatten():with { service = "out" }:emit()
  events:where 'service = "out"':tap "out"
  t:send { host = "a", service = "in", ttl = 15 }
  t:advance(24.9)
  t:eq(states(t:tapped "out"), { "-" })
  t:advance(0.1)
  t:eq(states(t:tapped "out"), { "-", "expired" })
end)

test("with ttl = 0 an event expires once the streams have seen it", function(t)
  events:tap "first"
  events:tap "second"
  t:send { host = "a", ttl = 0, metric = 1 }
  t:match(t:tapped "first", { { metric = 1, state = none }, { state = "expired", metric = none } })
  t:match(t:tapped "second", { { metric = 1, state = none }, { state = "expired", metric = none } })
  t:eq(lookup("a", nil).state, "expired")
end)

test("the expiry comes before an event of its instant", function(t)
  events:tap "all"
  t:send({ host = "a", ttl = 10, metric = 1 }, { host = "a", ttl = 10, metric = 2, time = 10 })
  t:match(t:tapped "all", { { metric = 1 }, { state = "expired", time = 10 }, { metric = 2 } })
end)

test("what has gone dark is forgotten after settings.forget, without an event", function(t)
  settings { forget = 100 }
  events:tap "all"
  t:send { host = "a", ttl = 10 }
  t:advance(109)
  t:eq(index "true":count(), 1)
  t:ok(lookup("a", nil))
  t:advance(2)
  t:eq(index "true":count(), 0)
  t:eq(lookup("a", nil), nil)
  t:eq(#t:tapped "all", 2)
end)

test("settings.forget is an hour", function(t)
  t:send { host = "a", ttl = 10 }
  t:advance(3609)
  t:eq(index "true":count(), 1)
  t:advance(2)
  t:eq(index "true":count(), 0)
end)

test("identity means host and service", function(t)
  t:send({ host = "a", service = "s", metric = 1, zone = "x" }, { host = "a", service = "s", metric = 2, zone = "y" }, { host = "a", metric = 3 }, { service = "s", metric = 4 })
  t:eq(index "true":count(), 3)
  t:match({ lookup("a", "s") }, { { metric = 2, zone = "y" } })
end)
