-- settings.rule_memory
local t = {}
while true do t[#t + 1] = #t + 0.5 end
