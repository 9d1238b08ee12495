-- Write down that a running attempt passed its deadline.
-- KEYS: prefix. ARGV: now, worker, id, fence. Reply: 1, or 0 if the lease is not held. O(1).
-- needs: time states

local p, id = KEYS[1], ARGV[3]
local text = redis.call('HGET', p .. 'states', id)
if not text or state_value(text, 'k') ~= ARGV[2] .. ':' .. ARGV[4] then return 0 end
if not state_value(text, 't') then
  redis.call('ZREM', p .. 'workers', '') -- needs no memory, and lets the next write pass when full
  redis.call('HSET', p .. 'states', id, text .. '\nt' .. int(instant(p, time(ARGV[1]))))
end
return 1
