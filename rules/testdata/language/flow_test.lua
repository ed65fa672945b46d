-- What events do on their way through a configuration.
test("ttl 0 expires once the streams have seen it", function(t)
  events:tap "all"
  t:send { host = "a", service = "s", ttl = 0, metric = 1 }
  t:match(t:tapped "all", { { metric = 1 }, { state = "expired", metric = none } })
end)
test("expiry keeps tags and attributes", function(t)
  events:expired():tap "x"
  t:send { host = "a", service = "s", ttl = 5, tags = { "q" }, k = "v", metric = 1 }
  t:advance(5)
  t:match(t:tapped "x", { { host = "a", service = "s", state = "expired", time = 5, tags = { "q" }, k = "v", metric = none, ttl = none } })
end)
test("emit order", function(t)
  events:tap "all"
  events:where 'service = "in"':with { service = "a" }:emit()
  events:where 'service = "in"':with { service = "b" }:emit()
  t:send { service = "in" }
  t:match(t:tapped "all", { { service = "in" }, { service = "a" }, { service = "b" } })
end)
test("index only", function(t)
  events:where 'service = "in"':with { service = "x" }:index()
  events:tap "all"
  t:send { host = "h", service = "in" }
  t:eq(#t:tapped "all", 1)
  t:eq(lookup("h", "x").service, "x")
end)
test("catch inside by", function(t)
  local ok, bad = events:by "host":map(function(e) if e.metric then return e end error "no metric" end):catch()
  bad:tap "bad" ok:tap "ok"
  events:tagged "error":tap "errors"
  t:send({ host = "a" }, { host = "b", metric = 1 })
  t:match(t:tapped "bad", { { event_host = "a" } })
  t:match(t:tapped "ok", { { host = "b" } })
  t:eq(t:tapped "errors", {})
end)
test("settings ttl", function(t)
  events:expired():tap "x"
  settings { ttl = 2 }
  t:send { service = "s" }
  t:advance(1.9) t:eq(#t:tapped "x", 0)
  t:advance(0.1) t:eq(#t:tapped "x", 1)
end)
test("by with expiry closes groups", function(t)
  events:by "host":counter():tap "n"
  t:send({ host = "a", service = "s", metric = 1, ttl = 10 }, { host = "a", service = "s", metric = 1, ttl = 10 })
  t:advance(11)
  t:send { host = "a", service = "s", metric = 1, ttl = 10 }
  local got = {}
  for _, e in ipairs(t:tapped "n") do got[#got + 1] = e.metric or "x" end
  t:eq(got, { 1, 2, "x", 1 })
end)
test("rule on sees error rule attr", function(t)
  rule "r" { on = events:where 'service = "q"', eval = function(e) error "bad" end }
  events:tagged "error":tap "e"
  t:send { host = "h", service = "q" }
  t:match(t:tapped "e", { { rule = "r", event_host = "h", event_service = "q" } })
end)
test("error in predicate", function(t)
  events:where(function(e) return e.metric > 5 end):tap "p"
  events:tagged "error":tap "e"
  t:send { host = "h", service = "q" }
  t:eq(#t:tapped "p", 0)
  t:eq(#t:tapped "e", 1)
end)
test("error events do not loop", function(t)
  events:each(function(e) error "always" end)
  events:tagged "error":tap "e"
  t:send { host = "h", service = "q" }
  t:eq(#t:tapped "e", 1)
end)
