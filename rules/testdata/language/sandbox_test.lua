-- What Lua can and cannot do.
test("what is not there", function(t)
  for _, name in ipairs { "io", "debug", "dofile", "loadfile", "load", "loadstring", "module", "package", "getfenv", "setfenv", "newproxy", "collectgarbage" } do
    t:eq(_G[name], nil)
  end
  for _, name in ipairs { "execute", "exit", "getenv", "remove", "rename", "setenv", "tmpname" } do t:eq(os[name], nil) end
  t:eq(string.dump, nil)
  t:eq(getmetatable(event {}), "event")
  t:error(function() setmetatable(events, {}) end, "")
end)

test("os follows the clock", function(t)
  t:eq({ os.time(), os.clock(), now() }, { 0, 0, 0 })
  t:advance(86400.5)
  t:eq({ os.time(), os.clock(), now() }, { 86400, 86400.5, 86400.5 })
  t:eq(os.date "!%Y-%m-%d %H:%M:%S", "1970-01-02 00:00:00")
  t:eq(os.date("!%H", 3600), "01")
end)

test("math.random gives the same in each run", function(t)
  t:eq({ math.random(100), math.random(5, 6), math.random(1, 1) }, { 23, 6, 1 })
  for i = 1, 100 do
    local n = math.random(3)
    t:ok(n >= 1 and n <= 3)
    local f = math.random()
    t:ok(f >= 0 and f < 1)
  end
  t:error(function() math.random(0) end, "no numbers from 1 to 0")
end)

test("an error keeps the variables of who goes on", function(t)
  local n = 0
  local function add() n = n + 1 end
  local ok, message = pcall(function() add(); error "oops" end)
  add()
  t:eq({ n, ok }, { 2, false })
  t:ok(message:find "oops$")
  t:eq({ pcall(function(...) return select("#", ...), ... end, 1, nil, 3) }, { true, 3, 1, nil, 3 })
  t:eq({ xpcall(function() error({ 5 }) end, function(e) return e[1] end) }, { false, 5 })
  t:eq({ pcall(error, { 7 }) }, { false, { 7 } })
  add()
  t:eq(n, 3)
end)

test("recursion is bounded", function(t)
  local function f() return 1 + f() end
  t:error(f, "stack overflow")
  local function g() return pcall(g) end
  g()
  local h
  h = function() return coroutine.wrap(h)() end
  t:error(h, "coroutines resume one another more than 32 deep")
  t:error(function() string.rep("x", 1e9) end, "string.rep")
  t:error(function() return ("x"):rep(1e9) end, "string.rep")
end)

test("coroutines", function(t)
  local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
  t:eq({ coroutine.resume(co, 1) }, { true, 2 })
  t:eq({ coroutine.resume(co, 5) }, { true, 10 })
  t:eq(coroutine.status(co), "dead")
  local next = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
  t:eq({ next(), next(), next() }, { 1, 2, 3 })
end)

test("a function that loops is cut off and named", function(t)
  settings { rule_timeout = 0.1 }
  rule "loop" { every = 1, eval = function() while true do pcall(function() while true do end end) end end }
  rule "good" { every = 1, eval = function() return "ok" end }
  events:tap "all"
  t:advance(1)
  t:match(t:tapped "all", { { service = "tocsin error", rule = "loop" }, { service = "good" } })
  t:ok(t:tapped "all"[1].description:find "^testdata/language/sandbox_test.lua:%d+: cut off after running for 100ms", t:tapped "all"[1].description)
end)

test("loops in coroutines, handlers and metamethods are cut off, too", function(t)
  settings { rule_timeout = 0.1 }
  local function forever() while true do end end
  every(1, function() coroutine.wrap(forever)() end)
  every(1, function() xpcall(forever, forever) end)
  every(1, function() return setmetatable({}, { __index = forever }).x end)
  every(1, function() table.sort({ 1, 2, 3 }, forever) end)
  every(1, function() ("x"):gsub("x", forever) end)
  events:tagged "error":tap "all"
  t:advance(1)
  t:eq(#t:tapped "all", 5)
  for _, e in ipairs(t:tapped "all") do t:ok(e.description:find "cut off", e.description) end
end)

test("print", function(t) print("x", 1, none, event {}) end)

test("secrets do not print", function(t)
  local s = secret "NAME"
  t:eq(tostring(s), "secret NAME")
  t:error(function() return s .. "" end, "concat")
  t:error(function() secret "a/b" end, "is not the name of a secret")
end)
