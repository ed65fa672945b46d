-- error: tree.lua:2: there is no rule "b"
rule "a" { every = 1, eval = all("b") }
