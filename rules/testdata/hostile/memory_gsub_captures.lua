-- string.gsub makes a string of more than 16777216 bytes
return ("x"):rep(1e6):gsub("x+", ("%0"):rep(1e6))
