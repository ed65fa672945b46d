-- shop.lua
source.graphite { listen = "127.0.0.1:2003", templates = { "shop.* .role.host.service*" } }   -- shop.app.app3.http 1 1700000000
source.collectd { listen = "127.0.0.1:25826" }

local pager = sink.pagerduty { routing_key = secret "PAGERDUTY_KEY" }
local strip = sink.led { driver = "terminal", pixels = 60 }

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
