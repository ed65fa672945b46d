-- error: loop.lua:3: cut off after running for 10ms
settings { rule_timeout = 0.01 }
while true do end
