-- error: token.lua:2: 
local x = "unfinished
