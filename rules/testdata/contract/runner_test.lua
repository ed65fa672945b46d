-- Section "Tests".
local script = require "script"
local metrics, times = script.metrics, script.times

test("t:send moves the clock to the event's time if that is later, then hands it in", function(t)
  local when = {}
  events:each(function() when[#when + 1] = now() end)
  t:send({ host = "a", time = 5, ttl = 100 }, { host = "a", time = 3 }, { host = "a" })
  t:eq({ when, t:now() }, { { 5, 5, 5 }, 5 })
end)

test("t:send takes events, too", function(t)
  events:tap "all"
  t:send(event { host = "a", metric = 1 })
  t:match(t:tapped "all", { { host = "a", metric = 1 } })
end)

test("t:advance moves the clock, firing what is due in order", function(t)
  local fired = {}
  every(3, function() fired[#fired + 1] = "3 at " .. now() end)
  every(2, function() fired[#fired + 1] = "2 at " .. now() end)
  t:advance(6)
  t:eq(fired, { "2 at 2", "3 at 3", "2 at 4", "3 at 6", "2 at 6" })
  t:eq(t:now(), 6)
end)

test("what a test declares is added to its configuration", function(t)
  sink.led { name = "strip", pixels = 5 }
  rule "r" { every = 1, eval = function() return "ok" end }
  t:advance(1)
  t:eq(lookup(nil, "r").state, "ok")
  t:eq(t:received "strip", {})
end)

test("t:run: a number advances the clock, timers due fire before an event", function(t)
  local when = {}
  t:run(function(s) return s:each(function(e) when[#when + 1] = now() end) end, { { metric = 1 }, 2, { metric = 2 }, 0.5, { metric = 3, time = 7 }, { metric = 4, time = 1 } })
  t:eq(when, { 0, 2, 7, 7 })
end)

test("t:run: a fresh clock at 0, apart from the configuration", function(t)
  events:tap "all"
  t:advance(50)
  local out = t:run(function(s) return s:each(function(e) t:eq(index "true":count(), 0) end) end, { { metric = 1 } })
  t:match(out, { { metric = 1, time = 0 } })
  t:eq({ t:now(), #t:tapped "all" }, { 50, 0 })
end)

test("t:run: nothing else feeds it: no expiries", function(t)
  t:eq(#t:run(function(s) return s end, { { host = "a", ttl = 1 }, 100 }), 1)
end)

test("t:run: a table whose [1] is a table is a list handed in as one", function(t)
  local out = t:run(function(s) return s end, { { { metric = 1 }, { metric = 2, time = 3 } }, { event { metric = 3 } } })
  t:eq(#out, 2)
  t:match(out, { { { metric = 1 }, { metric = 2, time = 3 } }, { { metric = 3 } } })
end)

test("t:eq compares deeply, numbers within 1e-9 relative", function(t)
  t:eq({ a = { 1, 2, { b = "x" } } }, { a = { 1, 2, { b = "x" } } })
  t:eq(1e12 + 1, 1e12)
  t:eq(0.1 + 0.2, 0.3)
  t:eq(nil, nil)
  t:eq(event { host = "a", metric = 1 }, event { host = "a", metric = 1 })
end)

test("t:match: only the fields that are named; none is absent", function(t)
  t:match({ event { host = "a", metric = 1, tags = { "x" } } }, { { host = "a", state = none } })
  t:match({ event { host = "a" } }, { { host = "a", tags = {} } })
  t:match({}, {})
  t:match({ { event { metric = 1 }, none }, event { metric = 2 } }, { { { metric = 1 }, none }, { metric = 2 } })
end)

test("t:eq of an event and a table; no tags and an empty list are the same", function(t)
  t:eq(event { host = "a", port = 80 }, { host = "a", port = "80", tags = {} })
  t:eq({ host = "a", port = 80, state = none }, event { host = "a", port = "80" })
  t:eq({ event { host = "a" }, none }, { { host = "a" }, none })
end)

test("t:match of plain tables", function(t) t:match({ { a = 1, b = 2 } }, { { a = 1, c = none } }) end)

test("t:ok takes what is neither nil nor false", function(t)
  t:ok(0)
  t:ok("")
  t:ok(("tocsin"):find "(c)(s)", "found")
  t:ok(("tocsin"):find "(c)(s)")
end)

test("t:error: the text matches the Lua pattern", function(t)
  t:error(function() error "no such thing 5" end, "thing %d")
  t:error(function() error "x" end)
  t:error(function() local x; x() end, "call")
end)

test("checks take a message or what a function returns besides", function(t)
  t:eq("b", ("a"):gsub("a", "b"))
  t:eq(1, 1, "one is one")
  t:match({ event {} }, { {} }, "anything")
end)

test("t:replay of JSON lines: the first one sets the clock without firing anything", function(t)
  local fired = {}
  every(1, function() fired[#fired + 1] = now() end)
  events:tap "all"
  t:replay "recordings/events.jsonl"
  t:eq(t:tapped "all"[1].time, 1700000000.25)
  t:eq(fired, { 1700000001.25, 1700000002.25, 1700000003.25 })
  t:eq(t:now(), 1700000004)
end)

test("t:replay when the clock has moved goes on from there", function(t)
  local fired = 0
  every(1e6, function() fired = fired + 1 end)
  t:advance(1e6)
  t:replay "recordings/events.jsonl"
  t:eq({ t:now(), fired }, { 1700000004, 1700 })
end)
