-- Section "Queries".
local function holds(t, query, e)
  e.time = e.time or 0
  return #t:run(function(s) return s:where(query) end, { e }) == 1
end

-- check runs queries that hold and others that do not over one event.
local function check(t, e, yes, no)
  for _, query in ipairs(yes) do t:ok(holds(t, query, e), "holds: " .. query) end
  for _, query in ipairs(no) do t:ok(not holds(t, query, e), "does not hold: " .. query) end
end

test("the example", function(t)
  local query = [[service =~ "nginx %" and metric > 5 and not (host = "web1" or tagged "staging")]]
  t:ok(holds(t, query, { service = "nginx x", metric = 6, host = "web2" }))
  t:ok(not holds(t, query, { service = "nginx x", metric = 5, host = "web2" }))
  t:ok(not holds(t, query, { service = "nginx x", metric = 6, host = "web1" }))
  t:ok(not holds(t, query, { service = "nginx x", metric = 6, host = "web2", tags = { "staging" } }))
end)

test("=~ takes % for any run of characters and is anchored at both ends", function(t)
  check(t, { service = "nginx a.b" },
    { 'service =~ "nginx %"', 'service =~ "%"', 'service =~ "nginx a.b"', 'service =~ "%a.b"', 'service =~ "n%x%b"', 'service =~ "nginx a.b%"' },
    { 'service =~ "nginx"', 'service =~ "ginx%"', 'service =~ "nginx a_b"', 'service =~ "nginx aXb"', 'service =~ "NGINX%"', 'service =~ "nginx a%c"' })
end)

test("~= is a regular expression, unanchored", function(t)
  check(t, { service = "nginx 42" }, { 'service ~= "4"', [[service ~= "^nginx \\d+$"]], 'service ~= "(a|x) "' }, { 'service ~= "^4"', 'service ~= "5"' })
  t:error(function() holds(t, 'service ~= "("', {}) end, "")
end)

test("=~ and ~= hold only for text", function(t)
  check(t, { metric = 42, port = "42" }, { 'port =~ "4%"', 'port ~= "2"' }, { 'metric =~ "4%"', 'metric ~= "4"', 'absent =~ "%"', 'absent ~= ""' })
end)

test("precedence is not, and, or; parentheses", function(t)
  check(t, { metric = 1 },
    { "true or true and false", "not false and true", "not (true and false)", "(true or false) and true", "not metric = 2", "true or false and false" },
    { "(true or true) and false", "not true or false", "not (metric = 1)", "false and true or false" })
end)

test("true false nil null", function(t)
  check(t, { metric = 1 }, { "true", "state = nil", "state = null", "metric != nil", "nil = null" }, { "false", "metric = nil", "state != null" })
end)

test("numbers", function(t)
  check(t, { metric = -1.5 }, { "metric = -1.5", "metric < 0", "metric = -15e-1", "metric >= -1.5", "metric <= -1.5", "metric > -1e3" }, { "metric > -1.5", "metric < -1.5" })
end)

test("4 equals 4.0", function(t)
  check(t, { metric = 4 }, { "metric = 4", "metric = 4.0", "4.0 = 4", "metric = 0.4e1" }, { "metric != 4.0", 'metric = "4"' })
end)

test("strings in double or single quotes with escapes", function(t)
  check(t, { service = "a\"b'c\\d\ne\tf\rg\bh\fiA" },
    { [[service = "a\"b\'c\\d\ne\tf\rg\bh\fi\u0041"]], [[service = 'a\"b\'c\\d\ne\tf\rg\bh\fi\u0041']] }, { [[service = "a"]] })
  check(t, { service = "ü" }, { [[service = "\u00fc"]], [[service = "ü"]] }, {})
end)

test("an escape that is not listed is an error", function(t)
  for _, query in ipairs { [[service = "\x41"]], [[service = "\d"]], [[service = "\/"]], [[service = "\u00g0"]] } do
    t:error(function() holds(t, query, {}) end, "cannot parse query")
  end
end)

test("either side of a comparison is a field or a literal", function(t)
  check(t, { host = "a", service = "a", metric = 5, ttl = 5, x = "7" },
    { '"a" = host', "host = service", "5 = metric", "metric = ttl", "6 > metric", '"abc" = "abc"', "4 < 5", "7 = x" }, { '"b" = host', "metric != ttl", "4 > metric" })
end)

test("a bare field holds when the event has it", function(t)
  check(t, { metric = 0, state = "", tags = { "x" } }, { "metric", "state", "tags", "not host" }, { "host", "customer", "not metric" })
  check(t, { tags = {} }, { "not tags" }, { "tags" })
end)

test("a bare number or string is an error", function(t)
  for _, query in ipairs { "5", '"x"', "metric > 5 and 'x'", "not 5", "" } do t:error(function() holds(t, query, {}) end, "") end
end)

test("any name is a field; a word of the language is written attr", function(t)
  check(t, { ["and"] = "x", ["tagged"] = "y", ["customer"] = "c", ["odd name"] = "o" },
    { 'attr "and" = "x"', 'attr "tagged" = "y"', 'customer = "c"', 'attr "and"', 'attr "odd name" = "o"' }, { 'attr "or"', 'attr "and" = "y"' })
  t:error(function() holds(t, 'and = "x"', {}) end, "")
end)

test("blanks around operators are optional", function(t)
  check(t, { metric = 6, host = "a" }, { "metric>5", 'host="a"', 'metric>5and(host="a")', 'host!="b"', 'host=~"a%"', 'host~="a"', "metric<=6", "(metric>5)and(metric<7)", "6=metric" }, { "metric<5" })
end)

test("< and its kin hold only between numbers", function(t)
  check(t, { host = "5", metric = 5, word = "abc" }, { "metric < 6" }, { "host < 6", "host > 1", 'metric < "6"', 'word < "b"', 'word > "a"', "absent < 5", "absent > 5", "nil < 5", 'word < 5' })
end)

test("an attribute that reads as a number compares with a number as one", function(t)
  check(t, { port = "8080", ratio = "0.50", word = "8080x" },
    { "port > 80", "port = 8080", "port = 8080.0", 'port = "8080"', "ratio = 0.5", "port >= 8080", "port != 80", "word != 8080" },
    { "port != 8080", "port < 80", "word > 80", "word = 8080" })
end)

test("host, service, state and description never do", function(t)
  check(t, { host = "5", service = "5", state = "5", description = "5" }, { 'host = "5"', "host != 5" },
    { "host = 5", "service = 5", "state = 5", "description = 5", "service > 4", "state > 4", "description > 4" })
end)

test("!= holds for an event without the field", function(t)
  check(t, { metric = 1 }, { 'host != "a"', "ttl != 5", "customer != 1" }, {})
end)

test("two absent fields are equal", function(t)
  check(t, { metric = 1 }, { "host = service", "customer = host" }, { "host != service", "host = metric" })
end)

test("tagged", function(t)
  check(t, { tags = { "a", "b c" } }, { 'tagged "a"', 'tagged "b c"', "tagged 'a' and not tagged 'b'" }, { 'tagged "b"' })
end)

test("expired", function(t)
  check(t, { state = "expired" }, { "expired" }, { "not expired" })
  check(t, { state = "ok" }, { "not expired" }, { "expired" })
  local out = t:run(function(s) return s:batch(2, 100):flatten():where "expired" end, { { host = "a", ttl = 5 }, { host = "b", ttl = 500, time = 10 } })
  t:match(out, { { host = "a" } })
end)

test("an error gives the text, the place under a caret, and what was expected", function(t)
  local _, message = pcall(function() events:where "metric > > 5" end)
  message = tostring(message)
  t:ok(message:find("metric > > 5", 1, true), message)
  t:ok(message:find "%^", message)
  t:ok(message:find "expected", message)
  local line, caret = message:match "([^\n]*metric > > 5[^\n]*)\n([^\n]*)"
  t:ok(caret, message)
  t:eq(caret:find "%^", (line:find("> 5", 1, true)))
end)

test("wherever a query is taken, a function is taken too", function(t)
  t:send({ host = "a", metric = 1 }, { host = "b", metric = 2 })
  t:eq(index(function(e) return e.metric > 1 end):count(), 1)
  t:eq(index "true":count(function(e) return e.host == "a" end), 1)
  t:ok(holds(t, function(e) return e.metric == 1 end, { metric = 1 }))
end)
