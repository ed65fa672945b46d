-- error: syntax.lua:2: syntax error near "="
local x = = 1
