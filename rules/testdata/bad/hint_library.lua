-- error: hint_library.lua:2: attempt to index a non-table object(nil) with key 'open'; rules have no "io"
local f = io.open "/etc/passwd"
