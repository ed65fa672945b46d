-- stack overflow
local m = {}
local t = setmetatable({}, m)
m.__add = function(a, b) return 1 + (a + b) end
return t + t
