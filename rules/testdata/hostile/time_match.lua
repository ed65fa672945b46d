-- settings.rule_timeout
return ("a"):rep(1e6):match ".-.-.-.-b"
