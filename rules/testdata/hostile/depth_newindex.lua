-- stack overflow
local t = {}
setmetatable(t, { __newindex = function(s, k, v) s[k] = v + 1 return v end })
t.x = 1
