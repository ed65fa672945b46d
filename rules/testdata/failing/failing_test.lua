sink.led {}
test("eq", function(t)
  t:eq({ 1, { a = "x" } }, { 1, { a = "y" } })
end)
test("match: how many", function(t)
  t:match({ event { metric = 1 } }, {})
end)
test("match: a field", function(t)
  t:match({ event { metric = 1, state = "ok" } }, { { metric = 2 } })
end)
test("match: a field that should be absent", function(t)
  t:match({ event { metric = 1 } }, { { metric = none } })
end)
test("ok", function(t)
  t:ok(1 > 2, "one is less")
end)
test("error: none", function(t)
  t:error(function() end, "x")
end)
test("error: another", function(t)
  t:error(function() error "abc" end, "x+")
end)
test("caught", function(t)
  pcall(function() t:ok(false) end)
end)
test("a mistake", function(t)
  local x
  return x.y
end)
test("a query", function(t)
  events:where "metric >"
end)
test("a loop", function(t)
  while true do pcall(function() while true do end end) end
end)
test("a sink that is not there", function(t)
  t:received "let"
end)
test("a misspelt call", function(t)
  t:recieved "led"
end)
test("passes", function(t)
  t:eq({ 1 / 3, "a", { 1, none } }, { 0.33333333333, "a", { 1, none } })
  t:match({ event { metric = 0.1 + 0.2, code = 5, tags = { "a" } } }, { { metric = 0.3, code = 5, tags = { "a" }, host = none } })
  t:match({ { event {}, none }, event {} }, { { {}, none }, {} })
  t:eq(event { host = "a" }, { host = "a" })
end)
test("match: one is missing of many", function(t)
  local got = {}
  for i = 1, 9 do got[i] = event { host = "app" .. i, metric = i, state = "ok" } end
  local want = {}
  for i = 1, 9 do want[i] = { host = "app" .. i, metric = i } end
  table.remove(got, 3)
  t:match(got, want)
end)
test("match: a long text", function(t)
  t:match({ event { service = "shop", description = ("%d%% up, %.1f%% errors, seen from %d places and then some more"):format(71, 2.5, 3) } },
    { { service = "shop", description = "71% up, 2.5% errors, seen from 4 places and then some more", tags = { "a" } } })
end)
test("match: a list of lists", function(t)
  t:match({ { event { metric = 1 } }, event { metric = 1 } }, { { { metric = 2 } }, { { metric = 1 } } })
end)
test("eq: events", function(t)
  t:eq(event { host = "a", code = 5 }, { host = "a", code = "6", zone = "x" })
end)
test("eq: texts", function(t)
  t:eq("a", "b")
end)
test("eq: many elements", function(t)
  local list = {}
  for i = 1, 1000 do list[i] = i end
  t:eq(list, { 0 })
end)
test("eq: many keys", function(t)
  local map = {}
  for i = 1, 1000 do map["k" .. i] = i end
  t:eq({ map, 1 }, { { a = 1 }, 1 })
end)
