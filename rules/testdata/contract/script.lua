-- What the tests of this folder write often.
local script = {}

-- at(1, 5) is an event of time 1 and metric 5, with the further fields.
function script.at(time, metric, fields)
  local e = { time = time, metric = metric }
  for k, v in pairs(fields or {}) do e[k] = v end
  return e
end

-- metrics lists the metrics of events, "-" for one without.
function script.metrics(events)
  local out = {}
  for i, e in ipairs(events) do out[i] = e == none and "none" or e.metric or "-" end
  return out
end

-- shapes lists the metrics of lists.
function script.shapes(lists)
  local out = {}
  for i, list in ipairs(lists) do out[i] = script.metrics(list) end
  return out
end

-- states lists the states of events, "-" for one without.
function script.states(events)
  local out = {}
  for i, e in ipairs(events) do out[i] = e.state or "-" end
  return out
end

-- times lists the times of events.
function script.times(events)
  local out = {}
  for i, e in ipairs(events) do out[i] = e.time end
  return out
end

return script
