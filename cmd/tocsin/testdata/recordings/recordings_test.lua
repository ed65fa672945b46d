-- Recordings of real programs, told by their content.
test("datagrams of collectd", function(t)
  source.collectd { listen = "127.0.0.1:25826" }
  events:tap "all"
  local fired = 0
  every(1, function() fired = fired + 1 end)
  t:replay "collectd.dgrams"
  t:match({ t:tapped "all"[1], t:tapped "all"[2], t:tapped "all"[5] }, {
    { host = "none.example.net", service = "load/load", state = "warning", plugin = "load", type = "load", tags = { "notification" }, metric = none, time = 1795156994.7480016 },
    { host = "none.example.net", service = "load/load/shortterm", metric = 0.84765625, ds_name = "shortterm", ds_type = "gauge", ttl = 2, time = 1795156994.7480016 },
    { service = "memory/memory-used", metric = 112250880, plugin = "memory", type = "memory", type_instance = "used", time = 1795156994.7479858 },
  })
  t:ok(fired < 5, fired)
end)

test("a recording needs no source", function(t)
  events:where 'type = "load"':tap "load"
  t:replay "collectd.dgrams"
  t:match({ t:tapped "load"[2] }, { { host = "none.example.net", service = "load/load/shortterm", metric = 0.84765625 } })
end)

test("lines of graphite", function(t)
  events:tap "all"
  t:replay "graphite.txt"
  t:match(t:tapped "all", {
    { service = "graph_example_net.load.load.shortterm", metric = 1.28076171875, time = 1795157101, host = none },
    { service = "graph_example_net.load.load.midterm", metric = 1.10400390625 },
    { service = "graph_example_net.load.load.longterm", metric = 0.54345703125 },
    { service = "graph_example_net.memory.memory-cached", metric = 2401046528 },
    { service = "graph_example_net.memory.memory-free", metric = 22422695936 },
  })
end)

test("lines of graphite, by the templates, ttl, tags and through of the source", function(t)
  source.graphite {
    listen = "127.0.0.1:2003", templates = { "graph_example_net.* host.service*" }, ttl = 7, tags = { "carbon" },
    through = function(s) return s:where 'service =~ "load.%"':with { zone = "z" } end,
  }
  events:tap "all"
  t:replay "graphite.txt"
  t:match(t:tapped "all", {
    { host = "graph_example_net", service = "load.load.shortterm", ttl = 7, tags = { "carbon" }, zone = "z" },
    { service = "load.load.midterm" }, { service = "load.load.longterm" },
  })
  t:eq(index "true":count(), 3)
end)

test("when the clock has moved, it goes on from there", function(t)
  local fired = 0
  every(1e6, function() fired = fired + 1 end)
  t:advance(1e6)
  t:replay "graphite.txt"
  t:eq({ t:now(), fired }, { 1795157101, 1795 })
end)

test("a file that is no recording", function(t)
  t:error(function() t:replay "recordings_test.lua" end, "recordings_test.lua")
  t:error(function() t:replay "nothing.jsonl" end, "nothing.jsonl")
end)
