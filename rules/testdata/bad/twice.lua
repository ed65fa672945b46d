-- error: twice.lua:3: rule: there is a rule "a" already, at testdata/bad/twice.lua:2
rule "a" { every = 1, eval = function() end }
rule "a" { every = 1, eval = function() end }
