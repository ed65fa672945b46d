-- stack overflow
local function less(a, b)
  table.sort({ 1, 2 }, less)
  return a < b
end
table.sort({ 1, 2 }, less)
