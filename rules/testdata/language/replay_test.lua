-- Recordings and the clock.
test("the first event sets the clock, firing nothing", function(t)
  local ticks = {}
  every(1, function() ticks[#ticks + 1] = now() end)
  events:tap "all"
  t:replay "recordings/day.jsonl"
  t:match(t:tapped "all", { { time = 1700000000, metric = 1 }, { time = 1700000001.5, metric = 2, tags = { "x" } }, { time = 1700000003, metric = 3 } })
  t:eq(ticks, { 1700000001, 1700000002, 1700000003 })
  t:eq(t:now(), 1700000003)
end)

test("a clock that has moved is not set back", function(t)
  t:advance(1700000002)
  events_seen = 0
  t:replay "recordings/day.jsonl"
  t:eq(t:now(), 1700000003)
end)

test("what cannot be replayed", function(t)
  t:error(function() t:replay "recordings/nothing.jsonl" end, "cannot read recording")
  t:error(function() t:replay "replay_test.lua" end, "not a recording of any known format")
end)

test("windows of streams move along", function(t)
  events:rate(2):tap "rate"
  t:replay "recordings/day.jsonl"
  t:advance(2)
  t:match(t:tapped "rate", { { metric = 1.5, time = 1700000002 }, { metric = 1.5, time = 1700000004 } })
end)

test("the clock moves to the event's time, if that is later", function(t)
  t:send { time = 5 }
  t:eq(t:now(), 5)
  t:send { time = 3 }
  t:eq(t:now(), 5)
  t:advance(0.5)
  t:eq(now(), 5.5)
  t:send {}
  t:error(function() t:advance(-1) end, "the clock does not go back")
end)

test("an event that is not there yet", function(t)
  t:error(function() t:send(none) end, "expected an event, got none")
  t:error(function() t:send "x" end, "argument 1: expected an event, got the string")
end)
