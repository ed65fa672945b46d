-- settings.rule_memory
local t = {}
while true do table.insert(t, { 1, 2, 3 }) end
