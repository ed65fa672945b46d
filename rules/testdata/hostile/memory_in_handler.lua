-- settings.rule_memory
local t = {}
local function grow() while true do t[#t + 1] = {} end end
while true do xpcall(error, grow) end
