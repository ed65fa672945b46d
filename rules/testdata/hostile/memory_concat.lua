-- table.concat makes a string of more than 16777216 bytes
local t, s = {}, ("x"):rep(1e6)
for i = 1, 1000 do t[i] = s end
return table.concat(t, s)
