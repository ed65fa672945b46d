-- settings.rule_memory
for i = 1, 1e9 do _G["x" .. i] = {} end
