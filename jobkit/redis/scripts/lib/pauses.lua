-- Changing what is paused in a queue; `lib/lanes.lua` reads it.
-- needs: hints lanes names

local function write_pauses(p, words)
  local list = {}
  for word in pairs(words) do list[#list + 1] = word end
  table.sort(list)
  if #list == 0 then
    redis.call('HDEL', p .. 'control', 'paused')
  else
    redis.call('HSET', p .. 'control', 'paused', table.concat(list, ' '))
  end
  paused[p] = #list > 0 and words
end

-- Wake workers for all types that have ready jobs.
local function hint_ready(p)
  if idlers_of(p) == '' then return end
  local types = {}
  for _, head in ipairs(redis.call('ZRANGE', p .. 'heads', 0, -1)) do
    types[lane_type(string.sub(head, MEMBER_PREFIX + 27))] = true
  end
  for type in pairs(types) do hint(p, type) end
end
