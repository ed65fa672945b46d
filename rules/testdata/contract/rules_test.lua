-- Section "Rules on a schedule", and "Rules" of "Exact meanings".
local script = require "script"
local metrics, states, times = script.metrics, script.states, script.times

test("first evaluated one dt after loading, then at every multiple, without drift", function(t)
  local when = {}
  rule "r" { every = 0.1, eval = function() when[#when + 1] = now() end }
  t:advance(0.05)
  t:eq(when, {})
  t:advance(0.95)
  t:eq(#when, 10)
  for i, at in ipairs(when) do t:eq(at, i / 10) end
  t:advance(99)
  t:eq(#when, 1000)
  t:eq(when[1000], 100)
end)

test("fn returns an event, a state as a string, or nil", function(t)
  rule "event" { every = 1, eval = function() return event { metric = 1 } end }
  rule "table" { every = 1, eval = function() return { metric = 2 } end }
  rule "state" { every = 1, eval = function() return "warning" end }
  rule "nothing" { every = 1, eval = function() return nil end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { service = "event", metric = 1 }, { service = "table", metric = 2 }, { service = "state", state = "warning" } })
end)

test("emitted with service = name and a ttl of three periods", function(t)
  rule "r" { every = 2, eval = function() return "ok" end }
  rule "s" { every = 2, eval = function() return { service = "other", ttl = 9 } end }
  events:tap "all"
  t:advance(2)
  t:match(t:tapped "all", { { service = "r", ttl = 6, time = 2, host = none }, { service = "other", ttl = 9 } })
  t:eq({ lookup(nil, "r").state, lookup(nil, "s") }, { "ok" })
end)

test("fields of the returned event win over host and ttl; tags are joined", function(t)
  rule "r" { every = 1, host = "h", ttl = 5, tags = { "b" }, eval = function() return { tags = { "a" } } end }
  rule "s" { every = 1, host = "h", ttl = 5, eval = function() return { host = "own", ttl = 7 } end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { host = "h", ttl = 5 }, { host = "own", ttl = 7 } })
  local tags = t:tapped "all"[1].tags
  table.sort(tags)
  t:eq(tags, { "a", "b" })
end)

test("rule { on } evaluates at each event of a stream", function(t)
  rule "r" { on = events:where 'service = "in"', host = "h", tags = { "t" }, eval = function(e)
    if e.metric > 1 then return { metric = e.metric * 2 } end
  end }
  events:where 'service = "r"':tap "r"
  t:send({ service = "in", metric = 1 }, { service = "in", metric = 2 }, { service = "x", metric = 3 })
  t:match(t:tapped "r", { { metric = 4, host = "h", tags = { "t" } } })
end)

test("a rule { on }'s ttl is settings.ttl unless given", function(t)
  settings { ttl = 7 }
  rule "r" { on = events:where 'service = "in"', eval = function(e) return "ok" end }
  rule "s" { on = events:where 'service = "in"', ttl = 3, eval = function(e) return "ok" end }
  events:where 'service = "r" or service = "s"':tap "all"
  t:send { service = "in" }
  t:match(t:tapped "all", { { service = "r", ttl = 7 }, { service = "s", ttl = 3 } })
end)

test("rule { on } deepens", function(t)
  rule "r" { on = events:where 'service = "r" and not expired', eval = function(e) return { metric = e.metric + 1 } end }
  events:where 'service = "r" and not expired':tap "r"
  events:tagged "error":tap "errors"
  t:send { service = "r", metric = 0 }
  t:eq(#t:tapped "r", 17)
  t:eq(#t:tapped "errors", 1)
end)

test("two rules of one name are an error", function(t)
  rule "r" { every = 1, eval = function() end }
  t:error(function() rule "r" { every = 2, eval = function() end } end, '"r"')
end)

test("every calls fn; now is the clock", function(t)
  local when = {}
  every(0.5, function() when[#when + 1] = now() end)
  t:advance(2)
  t:eq(when, { 0.5, 1, 1.5, 2 })
  t:eq(now(), 2)
end)

test("an error in a rule becomes an event that names it, and stops nothing else", function(t)
  rule "bad" { every = 1, eval = function() error "oops" end }
  rule "good" { every = 1, eval = function() return "ok" end }
  events:tap "all"
  t:advance(2)
  t:eq(states(t:tapped "all"), { "critical", "ok", "critical", "ok" })
  t:match({ t:tapped "all"[1] }, { { service = "tocsin error", rule = "bad", event_host = none, event_service = none, tags = { "tocsin", "error" } } })
  t:ok(t:tapped "all"[1].description:find "rules_test.lua:%d+: .*oops", t:tapped "all"[1].description)
end)

test("a rule { on } that fails names the event", function(t)
  rule "bad" { on = events:where 'service = "in"', eval = function(e) error "oops" end }
  events:tagged "error":tap "errors"
  t:send { host = "h", service = "in" }
  t:match(t:tapped "errors", { { rule = "bad", event_host = "h", event_service = "in" } })
end)

test("a rule that loops is cut off and named", function(t)
  settings { rule_timeout = 0.05 }
  rule "loop" { every = 1, eval = function() while true do end end }
  rule "good" { every = 1, eval = function() return "ok" end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { service = "tocsin error", rule = "loop" }, { service = "good" } })
end)

test("a rule reads the index of that instant", function(t)
  rule "n" { every = 1, eval = function() return { metric = index 'service = "x"':count() } end }
  events:where 'service = "n"':tap "n"
  t:send { host = "a", service = "x", ttl = 100 }
  t:advance(1)
  t:send { host = "b", service = "x", ttl = 100 }
  t:advance(1)
  t:eq(metrics(t:tapped "n"), { 1, 2 })
end)

-- The shop of the first page.
local function shop()
  local pager = sink.pagerduty { routing_key = secret "PAGERDUTY_KEY" }
  rule "shop" {
    every = 0.1,
    eval = function()
      local up = index 'role = "app" and service = "http"':share "metric = 1"
      return { state = up > 0.8 and "ok" or "critical", metric = up, description = ("%d%% up"):format(up * 100) }
    end,
  }
  events:where 'service = "shop"':changed "state":to(pager)
end

test("critical when more than a fifth of the app servers are gone", function(t)
  shop()
  for i = 1, 10 do t:send { host = "app" .. i, service = "http", role = "app", metric = 1, ttl = i <= 7 and 600 or 60 } end
  t:advance(59.9)
  t:match(t:received "pagerduty", { { state = "ok", time = 0.1 } })
  t:advance(61)
  t:match(t:received "pagerduty", { { service = "shop", state = "ok" }, { service = "shop", state = "critical", metric = 0.7, time = 60.1 } }) -- the rule's timer at 60 is older than the ttls
end)
