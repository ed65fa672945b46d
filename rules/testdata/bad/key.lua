-- error: key.lua:2: by: argument 1: expected the name of a field
events:by(5)
