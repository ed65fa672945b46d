-- Files beside this one are run once.
local a, b = require "lib/limits", require "lib/limits"
assert(a == b and a.high == 90)
assert(require "lib/names" == true)
events:over(a.high):to(sink.led {})
