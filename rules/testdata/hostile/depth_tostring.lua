-- stack overflow
local t = {}
setmetatable(t, { __tostring = function(s) return 1 + tostring(s) end })
return tostring(t)
