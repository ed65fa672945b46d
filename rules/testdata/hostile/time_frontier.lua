-- settings.rule_timeout
return ("a"):rep(1e6):find "a*%f[b]a*%f[b]"
