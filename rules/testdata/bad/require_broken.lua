-- error: syntax.lua:2: syntax error
require "syntax"
