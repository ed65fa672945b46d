-- settings.rule_memory
local t = {}
t[67000000] = 1
for i = 1, 1e9 do t[i * 6700000] = i end
