-- Section "Events".
test("a field that is not there is nil", function(t)
  local e = event { host = "a" }
  t:eq(e.host, "a")
  for _, name in ipairs { "service", "state", "description", "time", "metric", "ttl", "customer" } do t:ok(e[name] == nil, name) end
end)

test("an attribute is any other name, a string", function(t)
  local e = event { customer = "acme", ["odd name"] = "x" }
  t:eq(e.customer, "acme")
  t:eq(e["odd name"], "x")
end)

test("e:tagged tells whether the event has the tag", function(t)
  local e = event { tags = { "prod", "web" } }
  t:ok(e:tagged "prod")
  t:ok(not e:tagged "pro")
  t:ok(not event {}:tagged "prod")
end)

test("assigning to a field is an error that says to use e:with", function(t)
  local e = event { metric = 1 }
  t:error(function() e.metric = 2 end, "e:with {")
  t:error(function() e.customer = "x" end, "e:with {")
  t:eq(e.metric, 1)
end)

test("e:with returns a changed copy", function(t)
  local e = event { host = "a", metric = 1, customer = "x", tags = { "t" } }
  local f = e:with { metric = 2, customer = "y", tags = { "u" } }
  t:match({ e, f }, { { host = "a", metric = 1, customer = "x", tags = { "t" } }, { host = "a", metric = 2, customer = "y", tags = { "u" } } })
end)

test("none removes a field", function(t)
  local e = event { host = "a", state = "ok", metric = 1, customer = "x", tags = { "t" } }
  local f = e:with { state = none, metric = none, customer = none, tags = none }
  t:match({ f }, { { host = "a", state = none, metric = none, customer = none } })
  t:eq(f.tags, {})
  t:eq(f.state, nil)
end)

test("e.tags is always a list; no tags and an empty list are the same", function(t)
  t:eq(event {}.tags, {})
  t:eq(event { tags = {} }.tags, {})
  t:ok(event {} == event { tags = {} })
  t:eq(#event { tags = { "a", "b" } }.tags, 2)
end)

test("changing the list of tags does not change the event", function(t)
  local e = event { tags = { "a" } }
  pcall(function() e.tags[1] = "b" end)
  t:eq(e.tags, { "a" })
end)

test("an attribute given as a number or boolean is kept as its text; a table is an error", function(t)
  local e = event { port = 8080, ratio = 0.25, on = true, off = false }
  t:eq({ e.port, e.ratio, e.on, e.off }, { "8080", "0.25", "true", "false" })
  t:eq(event {}:with { port = 443 }.port, "443")
  t:eq({ event { order = 12345678 }.order, event { since = 1700000000.5 }.since, event { small = -0.001 }.small }, { "12345678", "1700000000.5", "-0.001" })
  t:match(t:run(function(s) return s:with { order = 12345678 } end, { {} }), { { order = "12345678" } })
  t:error(function() event { list = {} } end, "list")
  t:error(function() event {}:with { list = { 1 } } end, "list")
end)

test("where a function returns an event it may return a plain table", function(t)
  local out = t:run(function(s) return s:map(function(e) return { service = "x", metric = e.metric, port = 80 } end) end, { { metric = 3 } })
  t:match(out, { { service = "x", metric = 3, port = "80" } })
end)

test("e.attributes is a table of all attributes, also of those that methods hide", function(t)
  local e = event { host = "a", with = "w", tagged = "g", customer = "c" }
  t:eq(e.attributes, { with = "w", tagged = "g", customer = "c" })
  t:eq(event { host = "a" }.attributes, {})
  t:eq(type(e.with), "function")
end)

test("an event without a time gets the clock's", function(t)
  events:tap "all"
  t:advance(5)
  t:send { host = "a" }
  t:match(t:tapped "all", { { time = 5 } })
end)

test("events in JSON: numbers, ISO 8601, null, absent, attributes", function(t)
  events:tap "all"
  t:replay "recordings/events.jsonl"
  t:match(t:tapped "all", {
    { host = "a", service = "cpu", metric = 0.5, time = 1700000000.25, ttl = 30, state = "ok", description = "fine", tags = { "x", "y" }, customer = "acme" },
    { host = "b", service = none, state = none, description = none, metric = none, ttl = none, customer = none, time = 1700000001 },
    { host = "c", time = 1700000002.5, metric = 1 },
    { host = "d", time = 1700000003, port = "80", up = "true" },
    { host = "e", time = 1700000004, description = "Grüße \"you\"" },
  })
  t:eq(t:tapped "all"[2].tags, {})
end)
