-- Table "Out", "Order", "Errors", "Derived events" and "Twice".
local script = require "script"
local at, metrics, states, shapes = script.at, script.metrics, script.states, script.shapes

test("to hands the event to sinks and passes it on", function(t)
  local pager, strip = sink.pagerduty { routing_key = secret "KEY" }, sink.led { driver = "terminal", pixels = 5 }
  events:where "metric > 1":to(pager, strip):tap "after"
  t:send({ host = "a", metric = 1 }, { host = "b", metric = 2 })
  t:match(t:received "pagerduty", { { host = "b", metric = 2 } })
  t:match(t:received "led", { { host = "b" } })
  t:match(t:tapped "after", { { host = "b" } })
end)

test("name names a sink", function(t)
  local one, two = sink.led { name = "one", pixels = 5 }, sink.led { name = "two", pixels = 5 }
  events:to(one)
  t:send { host = "a" }
  t:eq({ #t:received "one", #t:received "two" }, { 1, 0 })
  t:error(function() t:received "led" end, "led")
end)

test("each calls fn and passes the event on; tap, emit and index pass it on", function(t)
  local hosts = {}
  local out = t:run(function(s) return s:each(function(e) hosts[#hosts + 1] = e.host end):tap "x":emit():index() end, { { host = "a" }, { host = "b" } })
  t:eq(hosts, { "a", "b" })
  t:eq(#out, 2)
  t:eq(#t:tapped "x", 2)
end)

test("emit: indexed and sent through events", function(t)
  events:where 'service = "in"':with { service = "out" }:emit()
  events:where 'service = "out"':tap "out"
  t:send { host = "a", service = "in", metric = 3 }
  t:match(t:tapped "out", { { host = "a", metric = 3 } })
  t:eq(lookup("a", "out").metric, 3)
end)

test("index: index only", function(t)
  events:where 'service = "in"':with { service = "out" }:index()
  events:where 'service = "out" and not expired':tap "out"
  t:send { host = "a", service = "in", metric = 3 }
  t:eq(t:tapped "out", {})
  t:eq(lookup("a", "out").metric, 3)
end)

test("merge joins streams", function(t)
  t:eq(metrics(t:run(function(s) return merge(s:over(5), s:under(2)) end, { at(1, 1), at(2, 3), at(3, 6) })), { 1, 6 })
end)

test("merge(s, s) passes each event twice", function(t)
  t:eq(metrics(t:run(function(s) return merge(s, s) end, { at(1, 1), at(2, 2) })), { 1, 1, 2, 2 })
end)

test("two taps of one name share a list", function(t)
  events:over(1):tap "x"
  events:under(5):tap "x"
  t:send({ metric = 1 }, { metric = 3 }, { metric = 6 })
  t:eq(metrics(t:tapped "x"), { 1, 3, 3, 6 })
end)

test("every event from a source is indexed before the streams see it", function(t)
  local found
  events:each(function(e) found = lookup(e.host, e.service).metric end)
  t:send { host = "a", service = "s", metric = 7 }
  t:eq(found, 7)
end)

test("auto_index restricts what is indexed", function(t)
  settings { auto_index = 'service = "keep"' }
  events:tap "all"
  t:send({ host = "a", service = "keep" }, { host = "a", service = "drop" })
  t:eq({ #t:tapped "all", index "true":count() }, { 2, 1 })
end)

test("branches are served in the order drawn, each to its end before the next", function(t)
  local order = {}
  local function note(name) return function() order[#order + 1] = name end end
  local s = events:where "true"
  local one = s:each(note "a")
  local two = s:each(note "d")
  one:each(note "b")
  one:each(note "c")
  events:each(note "e")
  t:send {}
  t:eq(table.concat(order), "abcde")
end)

test("timers due at one instant fire in the order they were set, before an event of that instant", function(t)
  local order = {}
  local function note(name) return function() order[#order + 1] = name end end
  every(2, note "a")
  every(1, note "b")
  every(2, note "c")
  events:each(note "e")
  t:send { time = 2, ttl = 100 }
  t:eq(table.concat(order, " "), "b a b c e")
end)

test("a derived event goes through events when the event in hand has been through all streams, in the order emitted", function(t)
  local order = {}
  events:where 'service = "in"':with { service = "one" }:emit()
  events:where 'service = "in"':with { service = "two" }:emit():each(function() order[#order + 1] = "emitted" end)
  events:each(function(e) order[#order + 1] = e.service end)
  t:send { service = "in" }
  t:eq(order, { "emitted", "in", "one", "two" })
end)

test("an error in a function becomes an event", function(t)
  events:where 'service = "x"':map(function(e) error "boom" end):tap "after"
  events:where 'service = "x"':tap "other"
  events:tagged("tocsin", "error"):tap "errors"
  t:send { host = "h", service = "x", metric = 1 }
  t:match(t:tapped "errors", { { service = "tocsin error", state = "critical", tags = { "tocsin", "error" }, event_host = "h", event_service = "x", rule = none } })
  t:ok(t:tapped "errors"[1].description:find "out_test.lua:%d+: .*boom", t:tapped "errors"[1].description)
  t:eq({ #t:tapped "after", #t:tapped "other" }, { 0, 1 })
  t:eq(index 'service = "tocsin error"':count(), 0)
end)

test("a mistake in Lua is an error with its line", function(t)
  events:map(function(e)
    return e.metric + nil
  end)
  events:tagged "error":tap "errors"
  t:send { metric = 1 }
  t:ok(t:tapped "errors"[1].description:find "out_test.lua:121: ", t:tapped "errors"[1].description)
end)

test("an error in a function that a query could be", function(t)
  events:where(function(e) return e.metric > 5 end):tap "high"
  events:tagged "error":tap "errors"
  t:send({ metric = 6 }, { host = "none" }, { metric = 7 })
  t:eq(metrics(t:tapped "high"), { 6, 7 })
  t:match({ t:tapped "errors"[1] }, { { event_host = "none" } })
end)

test("an error while handling one is only logged", function(t)
  events:map(function(e) error "again" end)
  events:tagged "error":tap "errors"
  t:send { host = "a" }
  t:eq(#t:tapped "errors", 1)
end)

test("catch: what passes, and error events of the operators before it, back to the last catch", function(t)
  local function risky(n) return function(e) if e.metric == n then error("no " .. n) end return e end end
  local function run(which)
    local out = t:run(function(s)
      local passed, first = s:map(risky(1)):map(risky(2)):catch()
      local rest, second = passed:map(risky(3)):catch()
      return ({ rest, first, second })[which]
    end, { at(1, 1), at(2, 2), at(3, 3), at(4, 4) })
    return out
  end
  t:eq(metrics(run(1)), { 4 })
  t:eq(#run(2), 2)
  t:eq(#run(3), 1)
  t:ok(run(2)[2].description:find "no 2")
  t:ok(run(3)[1].description:find "no 3")
end)

test("what catch takes does not go through events", function(t)
  local passed, errors = events:map(function(e) error "x" end):catch()
  errors:tap "caught"
  events:tagged "error":tap "errors"
  t:send { host = "a" }
  t:eq({ #t:tapped "caught", #t:tapped "errors" }, { 1, 0 })
end)

test("derived events may derive further, 16 deep; deeper is an error event", function(t)
  events:where 'service = "n"':map(function(e) return { service = "n", metric = e.metric + 1 } end):emit()
  events:where 'service = "n" and not expired':tap "n"
  events:tagged "error":tap "errors"
  t:send { service = "n", metric = 0 }
  t:eq(#t:tapped "n", 17)
  t:eq(t:tapped "n"[17].metric, 16)
  t:match(t:tapped "errors", { { service = "tocsin error" } })
end)

test("an event of a rule { every } has depth 0", function(t)
  rule "n" { every = 1, eval = function() return { metric = 0 } end }
  events:where 'service = "n"':map(function(e) return { service = "n", metric = e.metric + 1 } end):emit()
  events:where 'service = "n" and not expired':tap "n"
  t:advance(1)
  t:eq(#t:tapped "n", 17)
end)

test("split, top and catch return several values", function(t)
  t:eq({ select("#", events:split("true")), select("#", events:top(1, "metric")), select("#", events:catch()) }, { 2, 2, 2 })
end)

test("to hands lists over, too", function(t)
  local strip = sink.led { driver = "terminal", pixels = 5 }
  events:rollup(1, 10):to(strip)
  t:send({ host = "a" }, { host = "b" }, { host = "c" })
  t:advance(10)
  t:match(t:received "led", { { { host = "a" } }, { { host = "b" }, { host = "c" } } })
end)

test("an error behind a timer names its event", function(t)
  events:where 'service = "x"':sample(5):map(function(e) error "late" end)
  events:tagged "error":tap "errors"
  t:send { host = "h", service = "x" }
  t:advance(5)
  t:match(t:tapped "errors", { { event_host = "h", event_service = "x", time = 5 } })
end)

test("an error in a function over a list", function(t)
  events:where 'service = "x"':moving_window(2):fold(function(l) error "fold" end)
  events:tagged "error":tap "errors"
  t:send { host = "h", service = "x" }
  t:match(t:tapped "errors", { { event_host = "h" } })
  t:ok(t:tapped "errors"[1].description:find "fold")
end)

test("error events and rules: an error goes through events like any other", function(t)
  local pager = sink.pagerduty { routing_key = secret "KEY" }
  events:where 'service = "tocsin error"':to(pager)
  rule "bad" { every = 1, eval = function() return nil .. "" end }
  t:advance(1)
  t:match(t:received "pagerduty", { { state = "critical", rule = "bad" } })
end)
