-- settings.rule_timeout
local t = {}
for i = 1, 1000 do t[i] = ("x"):rep(1e4) end
while true do table.sort(t) end
