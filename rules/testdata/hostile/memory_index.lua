-- settings.rule_memory
local t = {}
for i = 1, 1e9 do
  t[i] = {}
  t[i][4000000] = 1
end
