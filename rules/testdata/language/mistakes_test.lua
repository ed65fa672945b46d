-- Mistakes are told with their place and what was probably meant.
local function says(t, pattern, fn) t:error(fn, "^testdata/language/mistakes_test.lua:%d+: " .. pattern) end

test("streams", function(t)
  says(t, 'streams have no method "wher"; did you mean "where"?', function() return events:wher "x" end)
  says(t, "where: argument 1: expected a query or a function of the event, got nothing", function() events:where() end)
  says(t, "where: call it with a colon", function() events.where "x" end)
  says(t, "where: argument 1: cannot parse query: .*%^", function() events:where "metric >" end)
  says(t, "over: argument 1 must be a number, got the string", function() events:over "5" end)
  says(t, "over: takes one argument, got 2", function() events:over(1, 2) end)
  says(t, "expired: takes no arguments, got 1", function() events:expired(1) end)
  says(t, "ewma", function() events:ewma(0) end)
  says(t, "rate", function() events:rate(-1) end)
  says(t, "batch", function() events:batch(0, 1) end)
  says(t, 'changed: unknown option "inti"; did you mean "init"?', function() events:changed("state", { inti = "ok" }) end)
  says(t, 'changed: option "pairs": expected true or false', function() events:changed("state", { pairs = 1 }) end)
  says(t, 'classify: unknown option "critcal"; did you mean "critical"?', function() events:classify { critcal = "true" } end)
  says(t, 'apdex: option "tolerated" is missing', function() events:apdex(1, { satisfied = "true" }) end)
  says(t, "fold", function() events:fold "sume" end)
  says(t, "to: argument 1 must be a sink", function() events:to "pager" end)
  says(t, "with: metric must be a number", function() events:with { metric = "x" } end)
  says(t, "a stream cannot be changed", function() events.x = 1 end)
  says(t, "merge: argument 2 must be a stream", function() merge(events, 5) end)
end)

test("declarations", function(t)
  says(t, 'there is no source.grafite; did you mean "graphite"?', function() return source.grafite {} end)
  says(t, 'there is no sink.pagerdutty; did you mean "pagerduty"?', function() return sink.pagerdutty {} end)
  says(t, 'source.graphite: unknown option "lisen"; did you mean "listen"?', function() source.graphite { lisen = "x" } end)
  says(t, 'source.collectd: option "listen" is missing', function() source.collectd {} end)
  says(t, 'source.graphite: option "templates": expected a list', function() source.graphite { templates = "x" } end)
  says(t, 'settings: unknown option "rule_time"; did you mean "rule_timeout"?', function() settings { rule_time = 1 } end)
end)

test("settings once", function(t)
  settings { ttl = 5 }
  says(t, "settings: there are settings already, at testdata/language/mistakes_test.lua:%d+", function() settings { ttl = 5 } end)
end)

test("names once", function(t)
  sink.led {}
  says(t, 'sink.led: there is a sink "led" already, at testdata/language/mistakes_test.lua:%d+', function() sink.led {} end)
  sink.led { name = "other" }
  source.graphite {}
  says(t, 'source.graphite: there is a source "graphite" already', function() source.graphite {} end)
end)

test("rules", function(t)
  rule "a" { every = 1, eval = function() end }
  says(t, 'rule: there is a rule "a" already, at testdata/language/mistakes_test.lua:%d+', function() rule "a" {} end)
  says(t, 'rule "b": needs either "every" or "on"', function() rule "b" { eval = function() end } end)
  says(t, 'rule "b": needs either "every" or "on"', function() rule "b" { every = 1, on = events, eval = function() end } end)
  says(t, 'rule "b": option "eval" is missing', function() rule "b" { every = 1 } end)
  says(t, 'rule "b": option "eval" must be a function', function() rule "b" { every = 1, eval = "x" } end)
  says(t, 'rule "b": unknown option "evry"; did you mean "every"?', function() rule "b" { evry = 1, eval = function() end } end)
  says(t, 'rule "b": option "every" must be above 0', function() rule "b" { every = 0, eval = function() end } end)
end)

test("streams are drawn before events flow", function(t)
  t:send {}
  says(t, "a stream can be drawn only while the rules are loaded", function() events:where "true" end)
end)

test("index sets", function(t)
  says(t, 'index sets have no method "cuont"; did you mean "count"?', function() return index "true":cuont() end)
  says(t, "share: argument 1: expected a query", function() index "true":share() end)
  says(t, "index: argument 1: cannot parse query", function() index "x ==" end)
  says(t, "at_least: the number must be at least 1", function() at_least(0, index "true") end)
  says(t, "all: needs at least one", function() all() end)
  says(t, "all: argument 1 must be an index set", function() all(5) end)
end)

test("a tree of a rule that is not there", function(t)
  rule "shop" { every = 1, eval = all("fronpage") }
  rule "frontpage" { every = 1, eval = function() end }
  says(t, 'there is no rule "fronpage"; did you mean "frontpage"?', function() t:advance(1) end)
end)
