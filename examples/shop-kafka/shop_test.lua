-- The tests of shop.lua: tocsin test examples/shop-kafka
config "shop.lua"

test("what a server and the shop become goes to the topic", function(t)
  for i = 1, 10 do t:send { host = "app" .. i, service = "http", role = "app", metric = 1, ttl = 600 } end
  t:send({ host = "app1", service = "requests", metric = 100, ttl = 600 }, { host = "app1", service = "errors", metric = 1, ttl = 600 })
  for _, place in ipairs { "berlin", "oslo", "quito" } do t:send { host = place, service = "frontpage", metric = 1, ttl = 600 } end
  t:advance(1)
  for i = 1, 2 do t:send { host = "app" .. i, service = "http", role = "app", metric = 0, ttl = 600 } end
  t:advance(1)
  t:match(t:received "kafka", {
    { service = "shop", state = "ok" },
    { host = "app1", service = "http", state = "critical" },
    { host = "app2", service = "http", state = "critical" },
    { service = "shop", state = "critical" },
  })
end)
