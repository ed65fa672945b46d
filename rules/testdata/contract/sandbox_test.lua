-- The libraries.
test("string, table, math, coroutine and the safe part of the base", function(t)
  t:eq({ type(string.format), type(table.concat), type(math.floor), type(coroutine.wrap), type(pcall), type(pairs), type(ipairs), type(select), type(unpack), type(tonumber), type(setmetatable) },
    { "function", "function", "function", "function", "function", "function", "function", "function", "function", "function", "function" })
  for _, name in ipairs { "io", "debug", "package", "dofile", "loadfile", "load", "loadstring" } do t:ok(_G[name] == nil, name) end
  for _, name in ipairs { "execute", "exit", "getenv", "remove", "rename", "tmpname" } do t:ok(os[name] == nil, name) end
end)

test("os.time, os.date and os.clock follow the clock", function(t)
  t:eq({ os.time(), now() }, { 0, 0 })
  t:eq(os.date("!%Y-%m-%d %H:%M:%S"), "1970-01-01 00:00:00")
  local before = os.clock()
  t:advance(90061)
  t:eq({ os.time(), os.clock() - before }, { 90061, 90061 })
  t:eq(os.date("!%Y-%m-%d %H:%M:%S"), "1970-01-02 01:01:01")
  t:eq(os.date("!%Y-%m-%d", 86400 * 365), "1971-01-01")
  local parts = os.date("!*t")
  t:eq({ parts.year, parts.month, parts.day, parts.hour, parts.min, parts.sec }, { 1970, 1, 2, 1, 1, 1 })
end)

local first
test("math.random is seeded by the engine", function(t)
  local numbers = {}
  for i = 1, 20 do numbers[i] = math.random(1000) end
  t:eq(numbers, { math.random and numbers[1], unpack(numbers, 2) })
  for i = 1, 100 do
    local n = math.random(3, 5)
    t:ok(n >= 3 and n <= 5)
  end
end)

test("the libraries are those of Lua 5.1", function(t)
  local words = ("a,b"):gmatch "[^,]+"
  t:eq({ words(), words(), words() }, { "a", "b" })
  local pairs_ = {}
  for k, v in ("x=1, y=2"):gmatch "(%w+)=(%w+)" do pairs_[k] = v end
  t:eq(pairs_, { x = "1", y = "2" })
  t:ok(math.huge == 1 / 0 and -math.huge == -1 / 0)
  t:eq({ tonumber "1e3", tonumber " -2.5e-1 ", tonumber "0x10", tonumber("ff", 16), tonumber(7) }, { 1000, -0.25, 16, 255, 7 })
  t:ok(tonumber "1e" == nil and tonumber "x" == nil and tonumber "" == nil)
  t:eq({ ("%5.1f|%03d|%s|%q"):format(3.14159, 7, "x", 'a"b'), ("abc"):rep(2), ("hello"):gsub("l", "L") }, { '  3.1|007|x|"a\\"b"', "abcabc", "heLLo", 2 })
end)

test("print writes to the log", function(t) print("x", nil, 1, {}) end)

test("each test has a configuration afresh", function(t)
  t:eq(index "true":count(), 0)
  first = true
  leaked = true
end)

test("nothing is left of the test before", function(t)
  t:ok(first == nil)
  t:ok(leaked == nil)
  t:eq(now(), 0)
end)
