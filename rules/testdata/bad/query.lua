-- error: query.lua:3: where: argument 1: cannot parse query
local s =
  events:where "metric >"
