-- error: missing.lua:2: sink.pagerduty: option "routing_key" is missing
sink.pagerduty {}
