-- settings.rule_timeout
return ("a"):rep(1e6):find "(a*)%1b"
