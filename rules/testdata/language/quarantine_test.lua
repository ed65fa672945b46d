-- What keeps failing is left out for a while.
local function told(t, service)
  local out = {}
  for _, e in ipairs(t:tapped "all") do
    if e.service == service then out[#out + 1] = e end
  end
  return out
end

test("a rule that keeps failing is evaluated again after 1, 2, 4 s", function(t)
  local at, works = {}, false
  rule "bad" { every = 0.5, eval = function()
    at[#at + 1] = now()
    if not works then error "oops" end
    return "ok"
  end }
  rule "good" { every = 0.5, eval = function() return "ok" end }
  events:tap "all"
  t:advance(12)
  t:eq(at, { 0.5, 1, 1.5, 2, 2.5, 3.5, 5.5, 9.5 })
  t:eq(#told(t, "good"), 24)
  t:match(told(t, "tocsin rule"), { { state = "critical", rule = "bad", time = 2.5 } })
  t:ok(told(t, "tocsin rule")[1].description:find "^bad failed 5 times in a row.*quarantine_test.lua:%d+: oops", told(t, "tocsin rule")[1].description)
  works = true
  t:advance(20)
  t:eq({ at[9], at[10], at[11] }, { 17.5, 18, 18.5 })
  t:match(told(t, "tocsin rule")[2], { state = "ok", rule = "bad", time = 17.5 })
  t:eq(#told(t, "tocsin rule"), 2)
  t:eq(#told(t, "tocsin error"), 8)
end)

test("a pause is a minute at most", function(t)
  local at = {}
  rule "bad" { every = 1, eval = function() at[#at + 1] = now() error "oops" end }
  t:advance(1000)
  t:eq(at[#at] - at[#at - 1], 60)
end)

test("failures that are not in a row do no harm", function(t)
  local n = 0
  rule "half" { every = 1, eval = function()
    n = n + 1
    if n % 5 > 0 then error "oops" end
  end }
  t:advance(100)
  t:eq(n, 100)
end)

test("a function that is cut off three times is not called for a while", function(t)
  settings { rule_timeout = 0.02 }
  local calls, loops = 0, true
  events:where 'service = "x"':where(function() calls = calls + 1 while loops do end return true end):tap "passed"
  events:tap "all"
  for i = 0, 4 do t:send { service = "x", metric = i, time = i / 10 } end
  t:eq(calls, 3)
  t:eq(#told(t, "tocsin error"), 5)
  t:ok(told(t, "tocsin error")[5].description:find "quarantine_test.lua:%d+: not called: it was cut off 3 times in a row", told(t, "tocsin error")[5].description)
  t:match(told(t, "tocsin rule"), { { state = "critical" } })
  t:ok(told(t, "tocsin rule")[1].rule:find "quarantine_test.lua:%d+$", told(t, "tocsin rule")[1].rule)
  loops = false
  t:send { service = "x", metric = 9, time = 2 }
  t:match(t:tapped "passed", { { metric = 9 } })
  t:eq(told(t, "tocsin rule")[2].state, "ok")
end)

test("memory is cut off, and named", function(t)
  settings { rule_timeout = 20, rule_memory = 16 }
  rule "greedy" { every = 1, eval = function() local t = {} while true do t[#t + 1] = {} end end }
  rule "good" { every = 1, eval = function() return "ok" end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { service = "tocsin error", rule = "greedy" }, { service = "good", state = "ok" } })
  t:ok(t:tapped "all"[1].description:find "quarantine_test.lua:%d+: cut off after taking more than 16 MiB of memory %(settings.rule_memory%)", t:tapped "all"[1].description)
end)
