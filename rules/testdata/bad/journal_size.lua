-- error: journal_size.lua:2: settings: option "journal_size" needs "journal"
settings { store = "x", journal_size = 1 }
