-- settings.rule_memory
local t = {}
local m = setmetatable({}, { __index = function(_, k) t[#t + 1] = { k } end })
while true do local _ = m.x end
