return function(s)
  return s:over(1):under(5)
end
