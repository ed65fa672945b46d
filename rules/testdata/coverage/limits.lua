goto start
::start::
while true do break end
return { low = 50, high = 90 }
