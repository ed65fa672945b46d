-- The tests of shop.lua: tocsin test examples/shop
config "shop.lua"

-- Hands in what a healthy shop sends, for ttl seconds.
local function healthy(t, ttl)
  for i = 1, 10 do
    local host = "app" .. i
    t:send({ host = host, service = "http", role = "app", metric = 1, ttl = ttl },
           { host = host, service = "requests", role = "app", metric = 100, ttl = ttl },
           { host = host, service = "errors", role = "app", metric = 1, ttl = ttl })
  end
  for _, place in ipairs { "berlin", "oslo", "quito", "tokyo" } do
    t:send { host = place, service = "frontpage", role = "probe", metric = 1, ttl = ttl }
  end
end

test("is ok when all is well, and says so once", function(t)
  healthy(t, 600)
  t:advance(60)
  t:match(t:received "pagerduty", {
    { service = "shop", state = "ok", metric = 1, description = "100% up, 1.0% errors, seen from 4 places" },
  })
end)

test("critical when more than a fifth of the app servers are gone, ok when they are back", function(t)
  healthy(t, 600)
  for i = 1, 3 do t:send { host = "app" .. i, service = "http", role = "app", metric = 1, ttl = 60 } end
  t:advance(59)
  t:match(t:received "pagerduty", { { state = "ok" } })
  t:advance(2)                                                            -- three of ten go dark
  t:match(t:received "pagerduty", { { state = "ok" }, { service = "shop", state = "critical", metric = 0.7 } })
  t:send { host = "app1", service = "http", role = "app", metric = 1, ttl = 600 }
  t:advance(1)
  t:match(t:received "pagerduty", { { state = "ok" }, { state = "critical" } })   -- eight of ten are not enough
  t:send { host = "app2", service = "http", role = "app", metric = 1, ttl = 600 }
  t:advance(1)
  t:match(t:received "pagerduty", { { state = "ok" }, { state = "critical" }, { state = "ok", metric = 0.9 } })
end)

test("critical when servers answer, but not with 1", function(t)
  healthy(t, 600)
  t:advance(1)
  for i = 1, 2 do t:send { host = "app" .. i, service = "http", role = "app", metric = 0 } end
  t:advance(1)
  t:match(t:received "led", { { state = "ok" }, { service = "shop", state = "critical" } })
end)

test("critical when too many requests fail", function(t)
  healthy(t, 600)
  t:advance(1)
  t:send { host = "app4", service = "errors", role = "app", metric = 60, ttl = 600 }
  t:advance(1)
  t:match(t:received "pagerduty", {
    { state = "ok" },
    { state = "critical", description = "100% up, 6.9% errors, seen from 4 places" },
  })
end)

test("critical when the front page is seen from two places only", function(t)
  healthy(t, 600)
  t:advance(1)
  t:send { host = "berlin", service = "frontpage", role = "probe", metric = 0 }
  t:advance(1)
  t:match(t:received "pagerduty", { { state = "ok" } })
  t:send { host = "oslo", service = "frontpage", role = "probe", metric = 0 }
  t:advance(1)
  t:match(t:received "pagerduty", { { state = "ok" }, { state = "critical", description = "100% up, 1.0% errors, seen from 2 places" } })
end)

-- Sends the cpu of one host for a while, once a second; returns the pages about it.
local function cpu(t, host, metric, seconds)
  for _ = 1, seconds do
    t:send { host = host, service = "cpu/percent-user", metric = metric, time = t:now(), ttl = 60 }
    t:advance(1)
  end
  local pages = {}
  for _, e in ipairs(t:received "pagerduty") do
    if e.host == host then pages[#pages + 1] = e end
  end
  return pages
end

test("a busy cpu pages when it stays busy, one that was busy for a moment does not", function(t)
  t:match(cpu(t, "db1", 20, 120), {})
  t:match(cpu(t, "db1", 100, 20), {})            -- the mean rises, to below 80
  t:match(cpu(t, "db1", 20, 60), {})
  t:match(cpu(t, "db1", 100, 240), { { state = "warning" }, { host = "db1", state = "critical" } })
  local pages = cpu(t, "db1", 20, 120)
  t:eq(pages[#pages].state, "ok")
end)

test("hosts are kept apart", function(t)
  for _ = 1, 200 do
    t:send({ host = "db1", service = "cpu/percent-user", metric = 100, time = t:now() },
           { host = "db2", service = "cpu/percent-user", metric = 10, time = t:now() })
    t:advance(1)
  end
  t:match(cpu(t, "db2", 10, 1), {})
  t:eq(#cpu(t, "db1", 100, 1), 2)
end)
