-- error: hint_event.lua:2: attempt to index a non-table object(function) with key 'where'; did you mean "events"?
event:where "metric":to(sink.log {})
