-- xxxx
error(("x"):rep(16e6))
