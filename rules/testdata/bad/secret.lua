-- error: secret.lua:2: secret: there is no secret "NOTHING"
sink.pagerduty { routing_key = secret "NOTHING" }
