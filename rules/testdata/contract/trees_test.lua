-- Service trees.
local function send(t, ...)
  for i, state in ipairs { ... } do t:send { host = ("h%02d"):format(i), service = "http", state = state, ttl = 1e6 } end
end

local function result(t)
  t:advance(1)
  return lookup(nil, "tree")
end

local function tree(eval) rule "tree" { every = 1, eval = eval } end

-- verdict evaluates a tree over members of the states.
local function verdict(t, eval, ...)
  tree(eval)
  send(t, ...)
  local e = result(t)
  return { e.state, e.metric }
end

local http = function() return index 'service = "http"' end

test("all: ok when all are", function(t) t:eq(verdict(t, all(http()), "ok", "ok"), { "ok", 1 }) end)
test("all: warning when it would hold if those in warning were ok", function(t) t:eq(verdict(t, all(http()), "ok", "warning"), { "warning", 0.5 }) end)
test("all: critical otherwise", function(t) t:eq(verdict(t, all(http()), "ok", "warning", "critical"), { "critical", 1 / 3 }) end)
test("all: a member of unknown state is not ok", function(t) t:eq(verdict(t, all(http()), "ok", "unknown"), { "critical", 0.5 }) end)
test("any: ok when one is", function(t) t:eq(verdict(t, any(http()), "ok", "critical"), { "ok", 0.5 }) end)
test("any: warning", function(t) t:eq(verdict(t, any(http()), "warning", "critical"), { "warning", 0 }) end)
test("any: critical", function(t) t:eq(verdict(t, any(http()), "critical", "critical"), { "critical", 0 }) end)
test("at_least: ok", function(t) t:eq(verdict(t, at_least(2, http()), "ok", "ok", "critical"), { "ok", 2 / 3 }) end)
test("at_least: warning", function(t) t:eq(verdict(t, at_least(2, http()), "ok", "warning", "critical"), { "warning", 1 / 3 }) end)
test("at_least: critical", function(t) t:eq(verdict(t, at_least(2, http()), "ok", "critical"), { "critical", 0.5 }) end)
test("percent: ok at exactly that share", function(t) t:eq(verdict(t, percent(80, http()), "ok", "ok", "ok", "ok", "critical"), { "ok", 0.8 }) end)
test("percent: warning", function(t) t:eq(verdict(t, percent(80, http()), "ok", "ok", "ok", "warning", "critical"), { "warning", 0.6 }) end)
test("percent: critical", function(t) t:eq(verdict(t, percent(80, http()), "ok", "ok", "ok", "critical", "critical"), { "critical", 0.6 }) end)

test("unknown without any member, the metric is 0", function(t)
  for name, eval in pairs { a = all(http()), b = any(http()), c = at_least(1, http()), d = percent(50, http()) } do rule(name) { every = 1, eval = eval } end
  t:advance(1)
  for _, name in ipairs { "a", "b", "c", "d" } do t:match({ lookup(nil, name) }, { { state = "unknown", metric = 0 } }) end
end)

test("an expired member is not ok, and goes on counting", function(t)
  tree(all(http()))
  t:send({ host = "a", service = "http", state = "ok", ttl = 1e6 }, { host = "b", service = "http", state = "ok", ttl = 0.5 })
  local e = result(t)
  t:match({ e }, { { state = "critical", metric = 0.5 } })
  t:ok(e.description:find("b http expired", 1, true), e.description)
end)

test("a name of a rule counts as one; one that has not reported is not ok", function(t)
  local silent = true
  rule "part" { every = 1, eval = function() if not silent then return "ok" end end }
  tree(all("part"))
  t:match({ result(t) }, { { state = "critical", metric = 0 } })
  silent = false
  t:match({ result(t) }, { { state = "ok", metric = 1 } })
end)

test("a rule whose event has expired is not ok", function(t)
  local silent = false
  rule "part" { every = 1, ttl = 1.5, eval = function() if not silent then return "ok" end end }
  tree(all("part"))
  t:eq(result(t).state, "ok")
  silent = true
  t:eq(result(t).state, "ok")
  t:eq(result(t).state, "critical")
end)

test("a rule named before it is declared", function(t)
  tree(all("later"))
  rule "later" { every = 1, eval = function() return "ok" end }
  t:eq(result(t).state, "critical")
  t:eq(result(t).state, "ok")
end)

test("other trees count one each", function(t)
  tree(percent(50, http(), all(index 'service = "db"'), any(index 'service = "cache"')))
  send(t, "ok", "critical")
  t:send({ host = "d1", service = "db", state = "ok", ttl = 1e6 }, { host = "d2", service = "db", state = "warning", ttl = 1e6 })
  t:send({ host = "c1", service = "cache", state = "ok", ttl = 1e6 }, { host = "c2", service = "cache", state = "critical", ttl = 1e6 })
  t:match({ result(t) }, { { state = "ok", metric = 0.5 } })
  send(t, "critical", "critical")
  t:match({ result(t) }, { { state = "warning", metric = 0.25 } })
end)

test("the description says how many are not ok and names the first ten, by host and service", function(t)
  tree(all(http()))
  local states = {}
  for i = 1, 12 do states[i] = "critical" end
  states[13] = "ok"
  send(t, unpack(states))
  local text = result(t).description
  t:ok(text:find "12", text)
  local from = 1
  for i = 1, 10 do
    local at = text:find(("h%02d http critical"):format(i), from, true)
    t:ok(at, text)
    from = at
  end
  t:ok(not text:find "h11" and not text:find "h13", text)
end)

test("the name of a rule that is not there is an error at loading", function(t)
  tree(all("nothing"))
  t:error(function() t:advance(1) end, "nothing")
end)
