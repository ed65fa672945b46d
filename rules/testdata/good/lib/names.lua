loaded = (loaded or 0) + 1
assert(loaded == 1)
