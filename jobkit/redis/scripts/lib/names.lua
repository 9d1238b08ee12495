-- Names of lanes. Suspects, which were lost before, have a lane of their own beside that of their
-- type.

local SUSPECT = 33 -- '!', which its name begins with

local function lane_name(type, suspect)
  if suspect then return '!' .. type end
  return type
end

local function lane_type(lane)
  if string.byte(lane) == SUSPECT then return string.sub(lane, 2) end
  return lane
end
