-- settings.rule_memory
local t = {}
for i = 1, 1e9 do t[i] = ("x"):rep(1e7) end
