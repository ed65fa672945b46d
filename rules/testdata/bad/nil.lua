-- error: nil.lua:2: attempt to call
nothing()
