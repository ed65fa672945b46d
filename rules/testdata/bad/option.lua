-- error: option.lua:2: sink.led: unknown option "pixel"; did you mean "pixels"?
sink.led { pixel = 5 }
