-- coroutines resume one another more than 32 deep
local function f() return coroutine.wrap(f)() end
return f()
