-- error: through.lua:2: source.graphite: the function "through" must return a stream, got nothing
source.graphite { through = function(s) s:where "true" end }
