-- .. makes a string of more than 16777216 bytes
local s = "x"
while true do s = s .. s end
