-- The shop, with Kafka between its machines and Tocsin. "tocsin demo --kafka" runs it.
-- Run it on topics of your own with: PAGERDUTY_KEY=… tocsin run examples/shop-kafka/shop.lua
settings {
  http = "127.0.0.1:5580",
  ttl = 5,                       -- a server that is silent for so long has gone dark
}

-- The servers' lines, and what collectd's write_kafka writes; each record is told by its looks.
source.kafka {
  brokers = { "127.0.0.1:9092" },
  group = "shop",
  topics = { "shop-lines", "shop-collectd" },
  templates = { "shop.* .role.host.service*" },                                                -- shop.app.app3.http 1 1700000000
}

local pager = sink.pagerduty { routing_key = secret "PAGERDUTY_KEY" }
local strip = sink.led { driver = "terminal", pixels = 60 }
local topic = sink.kafka { brokers = { "127.0.0.1:9092" }, topic = "shop-states" }              -- for others to read
local log = sink.log {}

events:where 'service = "cpu/percent-user"'
      :by "host"
      :ewma(30)
      :classify { critical = "metric > 95", warning = "metric > 80" }
      :stable(10, "state")
      :changed("state", { init = "ok" })
      :to(pager)

rule "shop" {
  every = 0.1,
  eval = function()
    local up   = index 'role = "app" and service = "http"':share "metric = 1"          -- one that went dark is not up
    local errs = index 'service = "errors"':sum() / index 'service = "requests"':sum()
    local seen = index 'service = "frontpage" and metric = 1':distinct "host"
    return {
      state = (up > 0.8 and errs < 0.05 and seen >= 3) and "ok" or "critical",
      metric = up,
      description = ("%d%% up, %.1f%% errors, seen from %d places"):format(up * 100, errs * 100, seen),
    }
  end,
}

events:where 'service = "shop"':changed "state":to(pager, strip)

events:where 'service = "shop"':changed "state":to(topic, log)

local servers = events:where 'role = "app" and service = "http"'
                      :classify { { "expired", "expired" }, { "critical", "metric != 1" }, "ok" }
                      :by "host"
servers:changed "state":to(strip)
servers:changed("state", { init = "ok" }):to(topic, log)
