-- error: error_table.lua:1: (the error is a table)
error({ 1 })
