-- stack overflow
local m = {}
local t = setmetatable({}, m)
m.__concat = function(a, b) return 1 .. (a .. b) end
return t .. t
