-- settings.rule_timeout
while true do end
