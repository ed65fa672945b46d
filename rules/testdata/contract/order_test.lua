-- "Order" of "Exact meanings", further: what happens at one instant.
local script = require "script"
local metrics, states = script.metrics, script.states

local function hosts(list)
  local out = {}
  for i, e in ipairs(list) do out[i] = e.host end
  return table.concat(out, " ")
end

-- expiries sends events and lists who expires, in order.
local function expiries(t, ...)
  events:expired():tap "expired"
  t:send(...)
  t:advance(1000)
  return hosts(t:tapped "expired")
end

test("two that expire at one instant: in the order their ttls were set", function(t)
  t:eq(expiries(t, { host = "a", ttl = 10 }, { host = "b", ttl = 5, time = 5 }), "a b")
end)

test("a renewed ttl was set when it was renewed", function(t)
  t:eq(expiries(t, { host = "a", ttl = 20 }, { host = "b", ttl = 10, time = 5 }, { host = "a", ttl = 5, time = 10 }), "b a")
end)

test("a ttl prolonged early comes before one set later", function(t)
  t:eq(expiries(t, { host = "a", ttl = 10 }, { host = "a", ttl = 11, time = 1 }, { host = "b", ttl = 10, time = 2 }), "a b")
end)

test("a periodic timer keeps the place of its making, before ttls", function(t)
  local order = {}
  every(5, function() order[#order + 1] = "every" end)
  events:expired():each(function() order[#order + 1] = "expired" end)
  t:send { host = "a", ttl = 10 }
  t:advance(10)
  t:eq(order, { "every", "every", "expired" })
end)

test("rules at one instant, in the order declared, each sees what the one before emitted", function(t)
  local seen
  rule "a" { every = 1, eval = function() return { metric = 7 } end }
  rule "b" { every = 1, eval = function() seen = lookup(nil, "a").metric end }
  t:advance(1)
  t:eq(seen, 7)
end)

test("events at one instant, in the order sent", function(t)
  events:tap "all"
  t:send({ host = "a", time = 5 }, { host = "b", time = 5 }, { host = "c", time = 5 })
  t:eq(hosts(t:tapped "all"), "a b c")
end)

test("a derived event goes on before the next event", function(t)
  events:where 'service = "in"':with { service = "out" }:emit()
  events:tap "all"
  t:send({ host = "a", service = "in" }, { host = "b", service = "in" })
  t:eq(hosts(t:tapped "all"), "a a b b")
end)

test("a derived event of a derived one comes after those emitted before", function(t)
  local order = {}
  events:where 'service = "1"':flatmap(function(e) return { { service = "2a" }, { service = "2b" } } end):emit()
  events:where 'service = "2a"':with { service = "3" }:emit()
  events:each(function(e) order[#order + 1] = e.service end)
  t:send { service = "1" }
  t:eq(order, { "1", "2a", "2b", "3" })
end)

test("what a function sees in the index while the event is in hand", function(t)
  local before
  events:where 'service = "in"':with { service = "out" }:emit():each(function() before = lookup("a", "out") end)
  t:send { host = "a", service = "in" }
  t:ok(before == nil)
  t:ok(lookup("a", "out"))
end)

test("the clock adds up without drift", function(t)
  for _ = 1, 10 do t:advance(0.1) end
  t:ok(now() == 1)
  t:ok(t:now() == 1)
end)
