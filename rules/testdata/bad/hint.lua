-- error: hint.lua:3: attempt to index a non-table object(nil) with key 'where'; there is no "evnts"; did you mean "events"?
local ok = "ok"
evnts:where "true"
