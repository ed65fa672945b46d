-- error: full.lua:2: sink.led: option "full" must be "drop_oldest" or "block", not "drop"
events:to(sink.led { full = "drop" })
