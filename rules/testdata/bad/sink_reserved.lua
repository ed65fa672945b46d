-- error: sink_reserved.lua:2: sink.led: option "queue" must be at least 1
sink.led { queue = 0 }
