-- What Argo CD shows of a CustomEvent. It is Healthy in every state, with what became of it as the
-- message, so that no event holds up a sync. Only an event with the annotation
-- customevents.dev/gate: "true" does: Progressing until it is delivered, Degraded if that takes a
-- person.
local status = obj.status or {}
local delivery = status.delivery or {}
local annotations = obj.metadata.annotations or {}

local delivered = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Delivered" then
    delivered = condition
  end
end

local health = {
  status = "Healthy",
  message = (delivered.reason or "Pending") .. ": " .. (delivered.message or "Waiting for the operator"),
}
if annotations["customevents.dev/gate"] ~= "true" then
  return health
end

-- What the status says must be about this very version of the object.
local resend = annotations["customevents.dev/resend"] or ""
if delivered.observedGeneration ~= obj.metadata.generation or (resend ~= "" and resend ~= delivery.resend) then
  health.status = "Progressing"
  return health
end

-- Held is mostly for something that turns up by itself; these two wait for a person.
local held_for_a_person = delivered.reason == "UnknownOutcome" or delivered.reason == "RestoredFromBackup"
local needs_a_person = delivery.state == "Held" and held_for_a_person

if delivery.state == "Failed" or delivery.state == "Expired" or needs_a_person then
  health.status = "Degraded"
elseif delivery.state ~= "Delivered" then
  health.status = "Progressing"
end
return health
