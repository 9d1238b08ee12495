-- Taking one job out of its lane.

local function remove_ready(p, lane, member)
  local first = redis.call('ZRANGE', p .. 'lane:' .. lane, 0, 1, 'WITHSCORES')
  redis.call('ZREM', p .. 'lane:' .. lane, member)
  if first[1] ~= member then return end
  redis.call('ZREM', p .. 'heads', member .. lane)
  if first[3] then redis.call('ZADD', p .. 'heads', first[4], first[3] .. lane) end
end
