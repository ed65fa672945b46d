-- Index sets.
local function fill(t)
  t:send({ host = "b", service = "http", metric = 1, state = "ok", ttl = 10 }, { host = "a", service = "http", metric = 3, state = "warning", ttl = 100 },
    { host = "c", service = "http", state = "ok", ttl = 100, zone = "x" }, { host = "a", service = "cpu", metric = 50, ttl = 100 })
end

test("counts and sums", function(t)
  fill(t)
  local http = index 'service = "http"'
  t:eq(http:count(), 3)
  t:eq(http:count 'state = "ok"', 2)
  t:eq(http:count(function(e) return e.metric == 3 end), 1)
  t:eq(http:share 'state = "ok"', 2 / 3)
  t:eq({ http:sum(), http:mean(), http:min(), http:max() }, { 4, 2, 1, 3 })
  t:eq(http:sum "metric", 4)
  t:eq(http:max(function(e) return e.metric and e.metric * 2 end), 6)
  t:eq({ http:distinct "host", http:distinct "zone" }, { 3, 1 })
  t:eq(http:worst(), "warning")
  t:match(http:events(), { { host = "a" }, { host = "b" }, { host = "c" } })
  t:match({ http:first() }, { { host = "a" } })
  t:eq(tostring(http), 'index "service = \\"http\\""')
end)

test("of an empty set", function(t)
  local none_ = index 'service = "nothing"'
  t:eq({ none_:count(), none_:share "true", none_:sum() }, { 0, 0, 0 })
  t:eq({ none_:mean(), none_:min(), none_:max(), none_:worst(), none_:first() }, {})
  t:eq(none_:events(), {})
end)

test("what has gone dark still counts", function(t)
  fill(t)
  t:advance(11)
  local http = index 'service = "http"'
  t:eq(http:count(), 3)
  t:eq(http:count 'state = "expired"', 1)
  t:eq(index 'service = "http" and not expired':count(), 2)
  t:eq(index('service = "http"', { forget = 0 }):count(), 2)
  t:eq(index('service = "http"', { forget = 5 }):count(), 3)
  t:eq(http:worst(), "critical")
  t:advance(5)
  t:eq(index('service = "http"', { forget = 5 }):count(), 2)
end)

test("lookup", function(t)
  fill(t)
  t:eq(lookup("a", "cpu").metric, 50)
  t:eq(lookup("a", "nothing"), nil)
end)

test("functions see the same set at each turn", function(t)
  local seen = {}
  every(1, function() seen[#seen + 1] = index(function(e) return e.metric == 1 end):count() end)
  fill(t)
  t:advance(2)
  t:eq(seen, { 1, 1 })
end)

test("a stream run apart has no index", function(t)
  fill(t)
  local counted
  t:run(function(s) return s:each(function() counted = index "true":count() end) end, { {} })
  t:eq(counted, 0)
end)

test("auto_index", function(t)
  settings { auto_index = "metric > 2" }
  fill(t)
  t:eq(index "true":count(), 2)
end)

test("lookup of an event without a host", function(t)
  t:send({ service = "shop", metric = 1 }, { host = "a", metric = 2 })
  t:eq({ lookup(nil, "shop").metric, lookup("a").metric }, { 1, 2 })
end)
