-- settings.rule_memory
local t = {}
for i = 1, 1e9 do t[i] = event { host = "h" .. i, service = "s", metric = i } end
