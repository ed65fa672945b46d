-- settings.rule_timeout
return ("a"):rep(1e6):gsub("a*a*a*b", "")
