-- The life of the groups of by.
local script = require "script"
local at, metrics, shapes, times = script.at, script.metrics, script.shapes, script.times

test("an expired event goes to the group its identity was last in", function(t)
  events:by "zone":moving_window(10):fold "count":tap "counts"
  t:send({ host = "a", zone = "x" }, { host = "b", zone = "y" }, { host = "b", service = "2", zone = "y" }, { host = "b", service = "3", zone = "y" })
  t:send { host = "a", zone = "y", state = "expired" }
  t:eq(metrics(t:tapped "counts"), { 1, 1, 2, 3, 2 })
end)

test("an identity is in the group of its last event only; a group it has left is gone", function(t)
  events:by "zone":counter():tap "counts"
  t:send({ host = "a", zone = "x", metric = 1 }, { host = "a", zone = "x", metric = 2 }, { host = "a", zone = "y", metric = 4 }, { host = "a", zone = "x", metric = 8 })
  t:eq(metrics(t:tapped "counts"), { 1, 3, 4, 8 })
end)

test("a group lives as long as an identity is live in it", function(t)
  events:live():by "zone":counter():tap "counts"
  t:send({ host = "a", zone = "x", metric = 1, ttl = 5 }, { host = "b", zone = "x", metric = 2, ttl = 50 })
  t:advance(10)
  t:send { host = "a", zone = "x", metric = 4, ttl = 5 }
  t:eq(metrics(t:tapped "counts"), { 1, 3, 7 })
end)

test("when its last identity has expired, the next event begins anew", function(t)
  events:by "host":counter():tap "counts"
  t:send({ host = "a", metric = 1, ttl = 10 }, { host = "a", metric = 2, ttl = 10 })
  t:advance(11)
  t:send { host = "a", metric = 5 }
  t:eq(metrics(t:tapped "counts"), { 1, 3, "-", 5 })
end)

test("an expired event from a source ends the group, too", function(t)
  events:by "host":counter():tap "counts"
  t:send({ host = "a", metric = 1 }, { host = "a", state = "expired" }, { host = "a", metric = 5 })
  t:eq(metrics(t:tapped "counts"), { 1, "-", 5 })
end)

test("one that is not indexed counts until its last ttl has passed", function(t)
  settings { auto_index = "false" }
  events:by "host":counter():tap "counts"
  t:send { host = "a", metric = 1, ttl = 10 }
  t:advance(9)
  t:send { host = "a", metric = 2, ttl = 10 }
  t:advance(9)
  t:send { host = "a", metric = 4, ttl = 10 }
  t:advance(11)
  t:send { host = "a", metric = 8, ttl = 10 }
  t:eq(metrics(t:tapped "counts"), { 1, 3, 7, 8 })
end)

test("a group stays until what its operators hold has come out", function(t)
  events:by "host":batch(10, 100):map_list(function(l) return { metric = #l, time = now() } end):tap "lists"
  t:send { host = "a", ttl = 10 }
  t:advance(50)
  t:send { host = "a", ttl = 10 }
  t:advance(49)
  t:eq(t:tapped "lists", {})
  t:advance(1)
  t:match(t:tapped "lists", { { metric = 4, time = 100 } })
  t:advance(50)
  t:send { host = "a", ttl = 1000 }
  t:advance(99)
  t:eq(#t:tapped "lists", 1)
  t:advance(1)
  t:match({ t:tapped "lists"[2] }, { { metric = 1, time = 250 } })
end)

test("groups within groups end with their own identities", function(t)
  events:by "zone":by "host":counter():tap "counts"
  t:send({ host = "a", zone = "x", metric = 1, ttl = 10 }, { host = "b", zone = "x", metric = 1, ttl = 100 })
  t:advance(11)
  t:send({ host = "a", zone = "x", metric = 1, ttl = 10 }, { host = "b", zone = "x", metric = 1, ttl = 100 })
  t:eq(metrics(t:tapped "counts"), { 1, 1, "-", 1, 2 })
end)

test("a group's windows begin at its first event", function(t)
  events:live():by "host":sample(10):each(function(e) event {} end):tap "samples"
  local when = {}
  events:live():by "host":sample(10):each(function(e) when[#when + 1] = now() end)
  t:send({ host = "a", time = 3, ttl = 100 }, { host = "b", time = 5, ttl = 100 })
  t:advance(20)
  t:eq(when, { 13, 15 })
end)

test("in t:run groups live to the end", function(t)
  t:eq(metrics(t:run(function(s) return s:by "host":counter() end, { { host = "a", metric = 1, ttl = 1 }, 100, { host = "a", metric = 2 } })), { 1, 3 })
end)

test("by a key that the expiry changes", function(t)
  events:by "state":moving_window(5):fold "count":tap "counts"
  t:send({ host = "a", state = "ok", ttl = 5 }, { host = "b", state = "bad", ttl = 500 })
  t:advance(5)
  t:eq(metrics(t:tapped "counts"), { 1, 1, 2 })
end)

test("rate in a group ends with it", function(t)
  events:by "host":rate(1):tap "rates"
  t:send { host = "a", metric = 4, ttl = 2.5 }
  t:advance(20)
  t:eq(metrics(t:tapped "rates"), { 4, 0 })
  t:send { host = "a", metric = 6, ttl = 1.5 }
  t:advance(20)
  t:eq({ metrics(t:tapped "rates"), times(t:tapped "rates") }, { { 4, 0, 6 }, { 1, 2, 21 } })
end)

test("stable in a group holds it until what it holds has come out", function(t)
  events:by "host":stable(10, "state"):tap "stable"
  t:send { host = "a", state = "bad", ttl = 5 }
  t:advance(14.9)
  t:eq(#t:tapped "stable", 0)
  t:advance(0.1)
  t:match(t:tapped "stable", { { host = "a", state = "expired", time = 5 } })
end)

test("changed in a group begins anew", function(t)
  events:live():by "host":changed("state", { init = "ok" }):tap "changed"
  t:send({ host = "a", state = "ok", ttl = 5 }, { host = "a", state = "bad", ttl = 5 })
  t:advance(5)
  t:send({ host = "a", state = "bad", ttl = 5, time = 6 }, { host = "a", state = "ok", ttl = 5, time = 7 })
  t:eq(script.states(t:tapped "changed"), { "bad", "bad", "ok" })
end)

test("throttle in a group: the window still counts", function(t)
  events:live():by "host":throttle(1, 100):tap "passed"
  t:send({ host = "a", metric = 1, ttl = 500 }, { host = "a", metric = 2, ttl = 500, time = 99 }, { host = "a", metric = 3, ttl = 500, time = 100 })
  t:eq(metrics(t:tapped "passed"), { 1, 3 })
end)

test("coalesce in a group shows the expired one once, and is silent then", function(t)
  events:by "zone":coalesce(10):tap "lists"
  t:send({ host = "a", zone = "z", metric = 1, ttl = 15 }, { host = "b", zone = "z", metric = 2, ttl = 1000 })
  t:advance(45)
  local lists = t:tapped "lists"
  t:eq({ #lists, #lists[1], #lists[2], #lists[3], #lists[4] }, { 4, 2, 2, 1, 1 })
  t:match(lists[2], { { host = "a", state = "expired" }, { host = "b", metric = 2 } })
end)

test("errors in a group", function(t)
  local passed, errors = events:by "host":map(function(e) if e.metric > 1 then error "high" end return e end):catch()
  errors:tap "errors"
  passed:counter():tap "passed"
  t:send({ host = "a", metric = 1 }, { host = "a", metric = 2 }, { host = "b", metric = 1 }, { host = "a", metric = 1 })
  t:match(t:tapped "errors", { { event_host = "a" } })
  t:eq(metrics(t:tapped "passed"), { 1, 1, 2 })
end)
