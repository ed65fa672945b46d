-- settings.rule_timeout
while true do local _ = ("x"):rep(1e6) end
