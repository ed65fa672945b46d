-- settings.rule_timeout
return ("a"):rep(1e6):find("[" .. ("b"):rep(1e6) .. "]")
