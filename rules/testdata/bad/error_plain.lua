-- error: error_plain.lua:1: plain
error("plain", 0)
