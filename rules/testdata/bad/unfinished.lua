-- error: unfinished.lua:2: rule "a": the table of options is missing
rule "a"
