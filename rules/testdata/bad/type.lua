-- error: type.lua:2: sink.led: option "pixels": expected a whole number, got the string "5"
sink.led { pixels = "5" }
