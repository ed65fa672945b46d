-- The shop, with what "tocsin demo" adds: a log, and a pixel for each server.
-- Run it on data of your own with: PAGERDUTY_KEY=… tocsin run examples/shop/demo.lua
settings {
  http = "127.0.0.1:5580",
  ttl = 5,                       -- a server that is silent for so long has gone dark
}

local shop = require "shop"
local log = sink.log {}

local servers = events:where 'role = "app" and service = "http"'
                      :classify { { "expired", "expired" }, { "critical", "metric != 1" }, "ok" }
                      :by "host"
servers:changed "state":to(shop.strip)
servers:changed("state", { init = "ok" }):to(log)

events:where 'service = "shop"':changed "state":to(log)

-- Whatever else comes, such as: tocsin send --host me --service hello --state critical
events:where 'role = nil and plugin = nil and service != "shop"':to(shop.strip, log)
