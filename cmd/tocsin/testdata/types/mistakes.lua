-- Each line with an arrow has a mistake that a language server is to find.
local log = sink.log {}
events:were 'service = "web"':to(log)                             --> undefined-field
events:throttle("1", 60):to(log)                                  --> param-type-mismatch
events:throttle(1):to(log)                                        --> missing-parameter
events:throttle(1, 2, 3):to(log)                                  --> redundant-parameter
events:where(5):to(log)                                           --> param-type-mismatch
events:by():counter():to(log)                                     --> missing-parameter
events:threshold { warning = "5" }:to(log)                        --> assign-type-mismatch
events:apdex(5, { satisfied = "metric < 1" }):to(log)             --> missing-fields
events:fixed_window(5):fold "averge":to(log)                      --> param-type-mismatch
events:with { metric = "5" }:to(log)                              --> param-type-mismatch
events:map(function(e) return e:wiht { a = "1" } end):to(log)     --> call-non-callable
events:to "log"                                                   --> param-type-mismatch
events:to(sink.log)                                               --> param-type-mismatch
source.grafite { listen = "127.0.0.1:2003" }                      --> undefined-field
source.graphite { listen = 2003 }                                 --> assign-type-mismatch
sink.pagerduty { name = "pager" }                                 --> missing-fields
settings { ttl = "5" }                                            --> assign-type-mismatch
rule "a" { every = 1 }                                            --> missing-fields
rule "b" { every = 1, eval = function() return 5 end }            --> return-type-mismatch
every(1, function() print(index("metric"):shar "metric = 1") end) --> undefined-field
every(1, function() print(index("metric"):mean() + 1) end)        --> need-check-nil
every(1, function() print(lookup("a", "b").metric) end)           --> need-check-nil
evnts:to(log)                                                     --> undefined-global
