local shop = config "../good/shop.lua"

local function servers(t)
  for i = 1, 10 do
    t:send { host = "app" .. i, service = "http", role = "app", metric = 1, ttl = i <= 7 and 600 or 60 }
  end
  t:send { host = "lb", service = "requests", metric = 1000, ttl = 600 }
  t:send { host = "lb", service = "errors", metric = 10, ttl = 600 }
  for i = 1, 3 do
    t:send { host = "probe" .. i, service = "frontpage", metric = 1, ttl = 600 }
  end
end

test("ok while all is well", function(t)
  servers(t)
  t:advance(1)
  t:match(index 'service = "shop"':events(), {
    { service = "shop", state = "ok", metric = 1, description = "100% up, 1.0% errors, seen from 3 places", host = none },
  })
  t:match(t:received "pagerduty", { { service = "shop", state = "ok" } })
end)

test("critical when more than a fifth of the app servers are gone", function(t)
  servers(t)
  t:advance(61)
  t:match(t:received "pagerduty", { { state = "ok" }, { service = "shop", state = "critical", metric = 0.7 } })
  t:eq(#t:received "led", 2)
end)

test("a busy processor", function(t)
  for i = 0, 200 do
    t:send { host = "a", service = "cpu/percent-user", metric = 100, time = i }
  end
  local first = t:received "pagerduty"[1]
  for _, e in ipairs(t:received "pagerduty") do
    if e.service ~= "shop" then t:ok(e.state == "warning" or e.state == "critical" or e.state == "ok") end
  end
end)

test("rate", function(t)
  local out = t:run(function(s) return s:rate(1) end, { { metric = 1 }, { metric = 3 }, 1 })
  t:match(out, { { metric = 4, time = 1 } })
end)
