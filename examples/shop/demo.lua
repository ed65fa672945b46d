-- The shop, with what "tocsin demo" adds: a log, and a pixel for each server.
-- Run it on data of your own with: PAGERDUTY_KEY=… tocsin run examples/shop/demo.lua
settings {
  http = "127.0.0.1:5580",
  ttl = 5,                       -- a server that is silent for so long has gone dark
}

local shop = require "shop"
local log = sink.log {}

events:where 'role = "app" and service = "http"'
      :classify { critical = 'expired or metric != 1' }
      :by "host"
      :changed("state", { init = "ok" })
      :to(shop.strip)
      :to(log)

events:where 'service = "shop"':changed "state":to(log)

events:where 'tagged "tocsin"':to(log)   -- what Tocsin says of itself, such as an error in a rule
