-- Section "The index".
local script = require "script"
local metrics = script.metrics

local function fill(t)
  t:send({ host = "b", service = "http", metric = 1, state = "ok", ttl = 10 }, { host = "a", service = "http", metric = 4, state = "warning", ttl = 100, zone = "x" },
    { host = "c", service = "http", state = "ok", ttl = 100, zone = "y" }, { host = "a", service = "cpu", metric = 50, state = "critical", ttl = 100, zone = "x" })
end

test("count, share, sum, mean, min, max, distinct, worst, events, first", function(t)
  fill(t)
  local http = index 'service = "http"'
  t:eq({ http:count(), http:count 'state = "ok"', http:share 'state = "ok"' }, { 3, 2, 2 / 3 })
  t:eq({ http:sum(), http:mean(), http:min(), http:max() }, { 5, 2.5, 1, 4 })
  t:eq({ http:sum "ttl", http:mean "ttl", http:min "ttl", http:max "ttl" }, { 210, 70, 10, 100 })
  t:eq({ http:distinct "host", http:distinct "zone", http:distinct "state" }, { 3, 2, 2 })
  t:match(http:events(), { { host = "a" }, { host = "b" }, { host = "c" } })
  t:eq(http:first().host, "a")
end)

test("events: by host and service", function(t)
  fill(t)
  t:match(index "true":events(), { { host = "a", service = "cpu" }, { host = "a", service = "http" }, { host = "b" }, { host = "c" } })
end)

test("worst: critical, warning, unknown, ok; expired counts as critical", function(t)
  local all = index "true"
  local function worst(states)
    for i, state in ipairs(states) do t:send { host = "h" .. i, state = state, ttl = 1e6 } end
    local got = all:worst()
    for i in ipairs(states) do t:send { host = "h" .. i, state = "ok", ttl = 1e6 } end
    return got
  end
  t:eq(worst { "ok", "ok", "ok" }, "ok")
  t:eq(worst { "ok", "unknown", "ok" }, "unknown")
  t:eq(worst { "unknown", "warning", "ok" }, "warning")
  t:eq(worst { "warning", "critical", "unknown" }, "critical")
  t:eq(worst { "warning", "expired", "ok" }, "critical")
end)

test("of an empty set sum is 0, the others nil", function(t)
  local empty = index 'service = "nothing"'
  t:eq({ empty:count(), empty:sum(), empty:share "true" }, { 0, 0, 0 })
  for _, name in ipairs { "mean", "min", "max", "worst", "first" } do t:ok(empty[name](empty) == nil, name) end
  t:eq(empty:events(), {})
end)

test("mean, min and max leave out entries without the key", function(t)
  fill(t)
  local set = index 'host = "c"'
  t:eq({ set:count(), set:sum() }, { 1, 0 })
  t:ok(set:mean() == nil and set:min() == nil and set:max() == nil)
end)

test("kept up to date", function(t)
  local set = index 'state = "ok"'
  t:send({ host = "a", state = "ok", metric = 1 }, { host = "b", state = "ok", metric = 5 })
  t:eq({ set:count(), set:sum(), set:max() }, { 2, 6, 5 })
  t:send { host = "b", state = "bad", metric = 7 }
  t:eq({ set:count(), set:sum(), set:max() }, { 1, 1, 1 })
  t:send { host = "b", state = "ok", metric = 0 }
  t:eq({ set:count(), set:sum(), set:min() }, { 2, 1, 0 })
end)

test("a share falls when a server dies, and is not 1 again", function(t)
  for i = 1, 4 do t:send { host = "h" .. i, state = "ok", tags = { "appserver" }, ttl = i == 1 and 10 or 5000 } end
  local set = index 'tagged "appserver"'
  t:eq(set:share 'state = "ok"', 1)
  t:advance(10)
  t:eq(set:share 'state = "ok"', 0.75)
  t:eq(index 'tagged "appserver" and not expired':share 'state = "ok"', 1)
end)

test("a set's forget prolongs or shortens what it counts, 0 leaves expired ones out", function(t)
  settings { forget = 50 }
  local usual, long, short, zero = index "true", index("true", { forget = 200 }), index("true", { forget = 5 }), index("true", { forget = 0 })
  local function counts() return { usual:count(), long:count(), short:count(), zero:count() } end
  t:send({ host = "a", ttl = 10 }, { host = "b", ttl = 1000 })
  t:eq(counts(), { 2, 2, 2, 2 })
  t:advance(11)
  t:eq(counts(), { 2, 2, 2, 1 })
  t:advance(5)
  t:eq(counts(), { 2, 2, 1, 1 })
  t:advance(50)
  t:eq(counts(), { 1, 2, 1, 1 })
  t:advance(200)
  t:eq(counts(), { 1, 1, 1, 1 })
end)

test("a query built as text at run time", function(t)
  fill(t)
  for _, host in ipairs { "a", "b", "c", "d" } do
    t:eq(index(('host = "%s"'):format(host)):count(), ({ a = 2, b = 1, c = 1, d = 0 })[host])
  end
end)

test("lookup gives one event or nil", function(t)
  fill(t)
  t:match({ lookup("a", "cpu") }, { { metric = 50, host = "a", service = "cpu" } })
  t:ok(lookup("a", "nothing") == nil)
end)

test("an entry that moves out of a set by its state", function(t)
  local bad = index 'state = "critical" or state = "expired"'
  t:send { host = "a", state = "critical", ttl = 10 }
  t:eq(bad:count(), 1)
  t:send { host = "a", state = "ok", ttl = 10 }
  t:eq(bad:count(), 0)
  t:advance(10)
  t:eq(bad:count(), 1)
end)

test("auto_index restricts what sources send, not what rules make", function(t)
  settings { auto_index = "false" }
  rule "r" { every = 1, eval = function() return "ok" end }
  events:where 'service = "in"':with { service = "out" }:emit()
  t:send { host = "a", service = "in" }
  t:advance(1)
  t:ok(lookup("a", "in") == nil)
  t:ok(lookup("a", "out"))
  t:ok(lookup(nil, "r"))
end)

test("what is not indexed still expires nothing", function(t)
  settings { auto_index = "false" }
  events:tap "all"
  t:send { host = "a", ttl = 5 }
  t:advance(100)
  t:eq(#t:tapped "all", 1)
end)

test("a set that is made late sees what is there", function(t)
  fill(t)
  t:advance(20)
  t:eq({ index 'expired':count(), index 'not expired':count(), index 'state = "expired"':first().host }, { 1, 3, "b" })
end)

test("what is forgotten is gone from lookup, although a set still counts it", function(t)
  settings { forget = 10 }
  local long = index("true", { forget = 100 })
  t:send { host = "a", ttl = 5 }
  t:advance(20)
  t:eq({ long:count(), index "true":count() }, { 1, 0 })
  t:ok(lookup("a", nil) == nil)
end)

test("distinct counts values that are there", function(t)
  t:send({ host = "a", zone = "x" }, { host = "b", zone = "x" }, { host = "c" })
  t:eq({ index "true":distinct "zone", index "true":distinct(function(e) return e.zone and e.host end) }, { 1, 2 })
end)

test("an expired event that is emitted or indexed expires its entry", function(t)
  events:where 'service = "down"':map(function(e) return { host = e.host, service = "http", state = "expired" } end):emit()
  events:where 'service = "gone"':map(function(e) return { host = e.host, service = "http", state = "expired" } end):index()
  t:send({ host = "a", service = "http", state = "ok" }, { host = "b", service = "http", state = "ok" })
  t:send({ host = "a", service = "down" }, { host = "b", service = "gone" })
  t:eq({ lookup("a", "http").state, lookup("b", "http").state }, { "expired", "expired" })
end)
