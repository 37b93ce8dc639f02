local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "not seen yet"}
end
local message, health = "", "Progressing"
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then message = condition.message end
  if condition.type == "Ready" and condition.status == "True" then health = "Healthy" end
  if condition.type == "Stalled" and condition.status == "True" then health = "Degraded" end
end
return {status = health, message = message}
