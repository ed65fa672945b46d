-- settings.rule_timeout
("x"):gsub("x", function() while true do end end)
