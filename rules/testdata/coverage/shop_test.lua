config "shop.lua"
local smooth = require "smooth"

test("warns", function(t)
  t:send({ service = "cpu", metric = 60 }, { service = "cpu", metric = 70 }, { service = "cpu", metric = 5 })
  t:match(t:received "log", { { state = "warning" }, { state = "ok" } })
end)

test("is slow", function(t)
  t:send({ service = "http", metric = 6 }, { service = "a" })
  t:match(t:received "log", {})
  t:eq(t:run(function(s) return s:over(1) end, { { metric = 2 } })[1].metric, 2)
end)

test("a stream apart", function(t)
  t:match(t:run(smooth, { { metric = 2 }, { metric = 9 } }), { { metric = 2 } })
end)

test("fails", function(t)
  t:ok(false)
end)
