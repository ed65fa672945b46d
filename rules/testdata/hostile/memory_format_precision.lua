-- string.format: the width or the precision has more than two digits
return ("%.1000000f"):format(1)
