-- string.rep makes a string of more than 16777216 bytes
return ("x"):rep(1e4):rep(1e4)
