-- error: store.lua:2: settings: unknown option "store"
settings { store = "x" }
