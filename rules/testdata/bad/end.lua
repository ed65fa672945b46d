-- error: end.lua:4: 
local function f()

