-- Types that are paused over all queues: a hash beside the set of all queues' names, in its slot.
-- Fields: the types, and "#", the version of the list.

local VERSION = '#'

-- Version, the number of types, the types.
local function paused_everywhere(key)
  local version, types = '0', {}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    if fields[i] == VERSION then version = fields[i + 1] else types[#types + 1] = fields[i] end
  end
  return version, types
end
