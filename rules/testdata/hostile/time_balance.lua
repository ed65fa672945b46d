-- settings.rule_timeout
return ("("):rep(1e7):find "%b()"
