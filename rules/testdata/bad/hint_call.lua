-- error: hint_call.lua:2: attempt to call a non-function object; there is no "setings"; did you mean "settings"?
setings { ttl = 5 }
