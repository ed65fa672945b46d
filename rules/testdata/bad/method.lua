-- error: method.lua:4: streams have no method "chnaged"; did you mean "changed"?
events:where "true"
  :by "host"
  :chnaged("state")
