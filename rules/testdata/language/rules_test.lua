-- Rules, timers, derived events, trees.
local function count(e) return { e.service, e.state, e.metric } end

test("rule on a schedule", function(t)
  local times = {}
  rule "r" { every = 0.1, host = "h", tags = { "b" }, eval = function()
    times[#times + 1] = now()
    return { metric = #times, tags = { "a" } }
  end }
  events:tap "all"
  t:advance(0.3)
  t:eq(times, { 0.1, 0.2, 0.3 })
  t:match(t:tapped "all", { {}, {}, { service = "r", host = "h", tags = { "a", "b" }, metric = 3, ttl = 0.3, time = 0.3, state = none } })
end)

test("what a rule returns", function(t)
  rule "state" { every = 1, eval = function() return "critical" end }
  rule "nothing" { every = 1, eval = function() end }
  rule "own" { every = 1, host = "h", ttl = 7, eval = function() return event { service = "x", host = "y", ttl = 9 } end }
  rule "wrong" { every = 1, eval = function() return true end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", {
    { service = "state", state = "critical", ttl = 3, host = none },
    { service = "x", host = "y", ttl = 9 },
    { service = "tocsin error", rule = "wrong" },
  })
  local text = t:tapped "all"[3].description
  t:ok(text:find "^testdata/language/rules_test.lua:%d+: the function returned a wrong value: expected an event, got true", text)
end)

test("rule on a stream", function(t)
  rule "double" { on = events:where 'service = "in"', eval = function(e) return { host = e.host, metric = e.metric * 2 } end }
  events:where 'service = "double"':tap "out"
  t:send { host = "a", service = "in", metric = 2 }
  t:match(t:tapped "out", { { host = "a", metric = 4, ttl = 60 } })
end)

test("an error in a rule", function(t)
  rule "bad" { every = 1, eval = function() local x; return x.y end }
  rule "good" { every = 1, eval = function() return "ok" end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { service = "tocsin error", state = "critical", tags = { "tocsin", "error" }, rule = "bad", event_host = none }, { service = "good" } })
  t:ok(t:tapped "all"[1].description:find "^testdata/language/rules_test.lua:%d+: ")
  t:eq(lookup("", "tocsin error"), nil)
end)

test("a rule that feeds itself", function(t)
  rule "loop" { on = events:where 'service = "loop"', eval = function(e) return { metric = e.metric + 1 } end }
  events:where 'service = "loop"':tap "loop"
  events:tagged "error":tap "errors"
  t:send { service = "loop", metric = 0 }
  t:eq(#t:tapped "loop", 17)
  t:eq(#t:tapped "errors", 1)
end)

test("a stream that feeds itself", function(t)
  events:where 'service = "loop"':map(function(e) return { service = "loop", metric = e.metric + 1 } end):tap "loop":emit()
  t:send { service = "loop", metric = 0 }
  t:eq(#t:tapped "loop", 17)
end)

test("timers due at one instant fire in the order of their making", function(t)
  local order = {}
  every(2, function() order[#order + 1] = "a" end)
  events:sample(2):each(function() order[#order + 1] = "b" end)
  every(1, function() order[#order + 1] = "c" end)
  t:send {}
  t:advance(2)
  t:eq(order, { "c", "a", "b", "c" })
end)

test("every", function(t)
  local n = 0
  every(0.5, function() n = n + 1; if n == 2 then error "oops" end end)
  events:tap "all"
  t:advance(2)
  t:eq(n, 4)
  t:match(t:tapped "all", { { service = "tocsin error", rule = none } })
end)

test("trees", function(t)
  rule "front" { every = 1, eval = function() return lookup("f", "front").state end }
  rule "shop" { every = 1, eval = percent(60, index 'service = "http"', "front", all(index 'service = "db"')) }
  local function shop() return index 'service = "shop"':first() end
  t:send({ host = "a", service = "http", state = "ok" }, { host = "b", service = "http", state = "ok" }, { host = "d", service = "db", state = "warning" },
    { host = "f", service = "front", state = "ok" })
  t:advance(1)
  t:match({ shop() }, { { state = "ok", metric = 0.75 } })
  t:ok(shop().description:find "^1 of 4 not ok: tree at ", shop().description)
  t:send { host = "b", service = "http", state = "critical" }
  t:advance(1)
  t:match({ shop() }, { { state = "warning", metric = 0.5 } })
  t:send { host = "a", service = "http", state = "critical" }
  t:advance(1)
  t:match({ shop() }, { { state = "critical", metric = 0.25 } })
  t:ok(shop().description:find "a http critical, b http critical", shop().description)
end)

test("a tree's conditions", function(t)
  rule "all" { every = 1, eval = all(index 'service = "x"') }
  rule "any" { every = 1, eval = any(index 'service = "x"') }
  rule "two" { every = 1, eval = at_least(2, index 'service = "x"') }
  rule "none" { every = 1, eval = all(index 'service = "y"') }
  t:send({ host = "a", service = "x", state = "ok" }, { host = "b", service = "x", state = "warning" }, { host = "c", service = "x" })
  t:advance(1)
  local function state(name) return index('service = "' .. name .. '"'):first().state end
  t:eq({ state "all", state "any", state "two", state "none" }, { "critical", "ok", "warning", "unknown" })
  t:match({ index 'service = "none"':first() }, { { metric = 0 } })
end)

test("a rule that has not reported, or has expired, is not ok", function(t)
  local silent = true
  rule "child" { every = 1, ttl = 1.5, eval = function() if not silent then return "ok" end end }
  rule "parent" { every = 1, eval = all("child") }
  local function parent() return index 'service = "parent"':first() end
  t:advance(1)
  t:match({ parent() }, { { state = "critical", description = "1 of 1 not ok: child not reported" } })
  silent = false
  t:advance(1)
  t:match({ parent() }, { { state = "ok", description = "0 of 1 not ok" } })
  silent = true
  t:advance(2)
  t:match({ parent() }, { { state = "critical", description = "1 of 1 not ok: child expired" } })
end)

test("through", function(t)
  t:eq(index "true":count(), 0)
end)

test("a fold that feeds itself", function(t)
  events:where 'service = "loop"':fixed_window(1):fold(function(l) return { service = "loop" } end):tap "x":emit()
  t:send { service = "loop" }
  t:eq(#t:tapped "x", 17)
end)
test("lists that feed themselves", function(t)
  events:where 'service = "loop"':fixed_window(1):map_list(function(l) return { service = "loop" } end):tap "x":emit()
  t:send { service = "loop" }
  t:eq(#t:tapped "x", 17)
end)
test("a reduction that feeds itself", function(t)
  events:where 'service = "loop"':reduce(function(a, e) return { service = "loop" } end, {}):tap "x":emit()
  t:send { service = "loop" }
  t:eq(#t:tapped "x", 17)
end)
