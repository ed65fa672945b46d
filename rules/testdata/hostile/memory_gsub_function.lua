-- string.gsub makes a string of more than 16777216 bytes
local s = ("x"):rep(1e6)
return s:gsub("x", function() return s end)
