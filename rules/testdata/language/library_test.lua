-- The libraries where gopher-lua's own differ from Lua 5.1, or had no bounds.
test("numbers as text", function(t)
  for text, n in pairs {
    ["1700000000.25"] = 1700000000.25, ["0.1"] = 0.1, ["1e-07"] = 1e-7, ["3.1415926535898"] = math.pi, ["1e+300"] = 1e300,
    ["123456789012345"] = 123456789012345, ["-5"] = -5, ["0"] = 0, ["inf"] = 1 / 0, ["-inf"] = -1 / 0, ["nan"] = 0 / 0,
  } do
    t:eq({ tostring(n), n .. "", table.concat { n }, ("%s"):format(n), (("x"):gsub("x", { x = n })) }, { text, text, text, text, text })
  end
end)

test("..", function(t)
  local function two() return "a", "b" end
  local function joined(...) return "<" .. ... .. ">" end
  local function last(...) return "<" .. ... end
  t:eq({ "x" .. two(), "x" .. two() .. "y", joined("p", "q"), last("p", "q"), ("a" .. "b"):upper(), #("a" .. 1 .. 2), -("1" .. "2") },
    { "xa", "xay", "<p>", "<p", "AB", 3, -12 })
  local function returned() local a, b, c = 1, 2, 3 return a .. b end
  t:eq({ select("#", returned()), returned() }, { 1, "12" })
  local s = "a"
  for i = 1, 3 do s = s .. (s .. i) .. "-" end
  t:eq(s, "aa1-aa1-2-aa1-aa1-2-3-")
  local meta = {}
  meta.__concat = function(a, b) return setmetatable({ (a[1] or a) .. "+" .. (b[1] or b) }, meta) end
  t:eq(("x" .. setmetatable({ "y" }, meta) .. "z")[1], "x+y+z")
  t:error(function() return "a" .. nil end, "library_test.lua:%d+: cannot perform concat operation between string and nil")
  t:error(function() return "a" .. {} .. "b" end, "between table and string")
end)

test("patterns", function(t)
  local function all(...) return { ... } end
  for _, case in ipairs {
    { all(("hello world"):find "o w"), { 5, 7 } }, { all(("hello"):find("l", 4)), { 4, 4 } }, { all(("hello"):find("l", -1)), {} },
    { all(("a.b"):find(".", 1, true)), { 2, 2 } }, { all(("hello"):find "(l)(l)"), { 3, 4, "l", "l" } }, { all((""):find ""), { 1, 0 } },
    { all(("abc"):find("", 10)), { 4, 3 } }, { all(("k = v"):match "^(%w+)%s*=%s*(%w+)$"), { "k", "v" } },
    { all(("f(a(b)c)d"):match "%b()"), { "(a(b)c)" } }, { all(("THE (quick) fox"):find "%f[%a]%a+%f[%A]"), { 1, 3 } },
    { all(("hello"):match "()ll()"), { 3, 5 } }, { all(("aXXb"):match "a(.-)b"), { "XX" } }, { all(("x==y"):match "(=)%1"), { "=" } },
    { all(("[]]"):match "[]]+"), { "]]" } }, { all(("a-z"):match "[a%-z]+"), { "a-z" } }, { all(("2024-01-02"):match "(%d+)-(%d+)"), { "2024", "01" } },
    { all(("abc"):match "[^b]+"), { "a" } }, { all(("a\0b"):match "%z(.)"), { "b" } }, { all(("$x"):match "^%$(.)$"), { "x" } },
    { all(("hello world"):gsub("o", "0", 1)), { "hell0 world", 1 } }, { all(("abc"):gsub("", "-")), { "-a-b-c-", 4 } },
    { all(("abc"):gsub("%w", "%0%0")), { "aabbcc", 3 } }, { all(("a b"):gsub("(%w) (%w)", "%2 %1%%")), { "b a%", 1 } },
    { all(("$n is $m"):gsub("%$(%w+)", { n = 1 })), { "1 is $m", 2 } }, { all(("abc"):gsub("^a", "x")), { "xbc", 1 } },
    { all(("abc"):gsub("%w", function(c) if c == "b" then return "B" end end)), { "aBc", 3 } }, { all(("  x "):gsub("^%s*(.-)%s*$", "%1")), { "x", 1 } },
  } do t:eq(case[1], case[2]) end
  local words = {}
  for k, v in ("a=1, b=2"):gmatch "(%w+)=(%w+)" do words[#words + 1] = k .. v end
  for p in ("ab"):gmatch "()" do words[#words + 1] = p end
  t:eq(words, { "a1", "b2", 1, 2, 3 })
  for pattern, says in pairs { ["%"] = "ends with", ["["] = "lacks a", ["("] = "lacks a", [")"] = "not open", ["%1"] = "invalid capture", ["%bx"] = "%%b", ["%f"] = "missing" } do
    t:error(function() return ("x"):match(pattern) end, says)
  end
  t:error(function() return ("x"):gsub("x", "%2") end, "invalid capture index")
  t:error(function() return ("x"):gsub("x", { x = {} }) end, "invalid replacement value %(a table%)")
end)

test("string.format", function(t)
  for _, case in ipairs {
    { ("%d %5d|%-5d|%05d|%+d"):format(3, 3, 3, 3, 3), "3     3|3    |00003|+3" }, { ("%i%%"):format "7", "7%" }, { ("%d"):format(3.7), "3" },
    { ("%x %X %#x %o %c%c"):format(255, 255, 255, 8, 72, 105), "ff FF 0xff 10 Hi" }, { ("%.3f|%8.2f|%e|%g|%g"):format(1, 2.5, 12345.678, 0.1, 1e20), "1.000|    2.50|1.234568e+04|0.1|1e+20" },
    { ("%s|%5s|%-5s|%.2s"):format("abc", "abc", "abc", "abc"), "abc|  abc|abc  |ab" }, { ("%s %s %s"):format(nil, true, none), "nil true none" },
    { ("%f %5.1f|"):format(1 / 0, -1 / 0), "inf  -inf|" }, { ("%q"):format 'a"b\\\n\r\0', '"a\\"b\\\\\\\n\\r\\000"' },
  } do t:eq(case[1], case[2]) end
  t:error(function() return ("%d"):format() end, "number expected")
  t:error(function() return ("%d"):format "x" end, "number expected, got string")
  t:error(function() return ("%y"):format(1) end, "there is no directive '%%y'")
  t:error(function() return ("%"):format(1) end, "ends within a directive")
  t:error(function() return ("%100d"):format(1) end, "more than two digits")
end)

test("lists", function(t)
  t:eq({ table.concat({ 1, "b", 2.5 }, ", "), table.concat({ "a", "b", "c" }, "", 2), table.concat({ "a" }, "x", 2), table.concat {} }, { "1, b, 2.5", "bc", "", "" })
  t:error(function() table.concat { 1, {} } end, "table.concat: element 2 is a table")
  local list = { 3, 1, 2 }
  table.sort(list)
  t:eq(list, { 1, 2, 3 })
  table.sort(list, function(a, b) return a > b end)
  t:eq(list, { 3, 2, 1 })
  t:error(function() table.sort { 1, "x" } end, "attempt to compare")
  local sparse = {}
  sparse[1], sparse[67000000], sparse[4194304] = 1, 2, 3
  t:eq({ sparse[1], sparse[67000000], sparse[4194304], sparse[5000000] == nil }, { 1, 2, 3, true })
end)
