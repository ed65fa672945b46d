-- stack overflow
local function replace(s) return s:gsub(".", replace) .. "x" end
return replace "x"
