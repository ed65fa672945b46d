-- error: journal.lua:2: settings: option "journal" needs "store"
settings { journal = "x" }
