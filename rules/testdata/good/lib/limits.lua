require "names"
return { high = 90 }
