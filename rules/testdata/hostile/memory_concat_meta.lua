-- .. makes a string of more than 16777216 bytes
local t = setmetatable({}, { __concat = function() return ("x"):rep(16e6) end })
return ("x"):rep(16e6) .. t .. 1
