-- Pause or resume a type over all queues.
-- KEYS: the set of all queues' names, the hash of what is paused everywhere (in the same slot).
-- ARGV: now, type, 1 to pause or 0 to resume. Reply: version, types, queues.
-- O(queues + paused types).
-- needs: time everywhere

local names, key, type, pause = KEYS[1], KEYS[2], ARGV[2], ARGV[3] == '1'
local now = time(ARGV[1])
local version, types = paused_everywhere(key)
if (redis.call('HEXISTS', key, type) == 1) ~= pause then
  -- Of the clock as well: a list that was lost begins above what queues still remember.
  version = int(math.max(tonumber(version) + 1, now))
  if pause then
    redis.call('HSET', key, VERSION, version, type, '1')
  else
    redis.call('HSET', key, VERSION, version)
    redis.call('HDEL', key, type)
  end
  version, types = paused_everywhere(key)
end
return { version, types, redis.call('SMEMBERS', names) }
