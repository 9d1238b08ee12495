-- Write down that a running attempt passed its deadline.
-- KEYS: prefix. ARGV: now, worker, id, fence. Reply: 1, or 0 if the lease is not held. O(1).
-- needs: time

local key = KEYS[1] .. 'job:' .. ARGV[3]
if redis.call('HGET', key, 'k') ~= ARGV[2] .. ':' .. ARGV[4] then return 0 end
redis.call('HSETNX', key, 't', int(instant(KEYS[1], time(ARGV[1]))))
return 1
