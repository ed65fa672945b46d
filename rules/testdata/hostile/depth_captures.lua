-- the pattern has more than 32 captures
return ("a"):rep(50):find(("(a)"):rep(50))
