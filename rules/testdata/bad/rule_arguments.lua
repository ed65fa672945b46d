-- error: rule_arguments.lua:2: rule: takes the name only; write rule "NAME" { … }
rule("web", { every = 1, eval = function() return "ok" end })
