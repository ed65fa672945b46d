-- error: require_missing.lua:2: cannot find "nothing"
require "nothing"
