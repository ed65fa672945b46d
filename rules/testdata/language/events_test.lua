-- Events as Lua sees them.
test("fields", function(t)
  local e = event { host = "a", service = "s", state = "ok", description = "d", time = 5.5, metric = 2, ttl = 10, tags = { "x", "y" }, customer = "c" }
  t:eq({ e.host, e.service, e.state, e.description }, { "a", "s", "ok", "d" })
  t:eq({ e.time, e.metric, e.ttl }, { 5.5, 2, 10 })
  t:eq(e.tags, { "x", "y" })
  t:eq(e.customer, "c")
  t:eq(e.attributes, { customer = "c" })
  t:eq(e.nothing, nil)
  t:ok(e:tagged "x" and not e:tagged "z")
  t:eq(type(e), "userdata")
end)

test("absent fields", function(t)
  local e = event {}
  t:eq({ e.host, e.metric, e.time, e.ttl, e.state }, {})
  t:eq(e.tags, {})
  t:eq(event { tags = {} }, event {})
  t:eq(event { host = none }, event {})
end)

test("attributes are text", function(t)
  t:eq(event { code = 5 }.code, "5")
  t:eq(event { code = 0.5 }.code, "0.5")
  t:eq(event { code = true }.code, "true")
  t:error(function() event { code = {} } end, "code cannot be a table")
  t:error(function() event { code = print } end, "code: expected a string")
end)

test("attributes with the names of methods", function(t)
  local e = event { with = "x", tagged = "y", attributes = "z" }
  t:eq(type(e.with), "function")
  t:eq(e.attributes, { with = "x", tagged = "y", attributes = "z" })
end)

test("wrong types", function(t)
  t:error(function() event { metric = "5" } end, "^testdata/language/events_test.lua:%d+: event: metric must be a number")
  t:error(function() event { host = 5 } end, "host must be a string")
  t:error(function() event { tags = "x" } end, "tags must be a list of strings")
  t:error(function() event { tags = { 5 } } end, "element 1 is the number 5")
  t:error(function() event { "x" } end, "got a list")
  t:error(function() event() end, "must be a table of fields, got nothing")
end)

test("an event is read-only", function(t)
  local e = event { metric = 1 }
  t:error(function() e.metric = 2 end, "e:with { metric = … }")
  t:eq(e.metric, 1)
  local changed = e:with { metric = 2, state = "ok", tags = { "x" } }
  t:eq({ e.metric, changed.metric, changed.state }, { 1, 2, "ok" })
  t:eq(changed:with { state = none, tags = none }, event { metric = 2 })
end)

test("equality", function(t)
  t:ok(event { host = "a", metric = 1 } == event { metric = 1, host = "a" })
  t:ok(event { host = "a" } ~= event { host = "b" })
  t:ok(none == none)
  t:ok(event {} ~= none)
end)

test("as text", function(t)
  t:eq(tostring(event { host = "a", metric = 1.5, tags = { "x" }, k = "v" }), '{ host = "a", metric = 1.5, tags = { "x" }, k = "v" }')
  t:eq(tostring(none), "none")
end)

test("numbers and times keep their digits", function(t)
  local e = event { time = 1700000000.123456789, metric = 0.1 }
  t:ok(e.time == 1700000000.123456789)
  t:ok(e.metric == 0.1)
end)
