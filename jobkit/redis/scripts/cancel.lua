-- Cancel a waiting job, mark a running one, leave an ended one.
-- KEYS: prefix. ARGV: now, id, four bounds. Reply: the state it was in, '' if unknown.
-- O(log jobs).
-- needs: time lanes hints jobs

local p, id = KEYS[1], ARGV[2]
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return '' end
local now = instant(p, time(ARGV[1]))
local where, key, member, lane = locate(p, id, body)
if where == 'running' then
  redis.call('HSETNX', p .. 'job:' .. id, 'c', int(now))
elseif where == 'queued' or where == 'scheduled' or where == 'retrying' then
  take_out(p, id, where, key, member, lane)
  redis.call('HSET', p .. 'job:' .. id, 'c', int(now), 'e', int(now))
  add_ended(p, 'cancelled', id, now, redis.call('HGET', p .. 'job:' .. id, 'R'))
  trim(p, now, { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }, 1)
end
return where
