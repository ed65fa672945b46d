-- .. makes a string of more than 16777216 bytes
local s = ("x"):rep(16e6)
return s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s .. s
