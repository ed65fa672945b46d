-- error: through_events.lua:2: source.graphite: the function "through" must return a stream of what it is given
source.graphite { through = function(s) return merge(s, events) end }
