-- Write down how far a running attempt is.
-- KEYS: prefix. ARGV: now, worker, id, fence, progress (one line). Reply: 1, or 0 if the lease is
-- not held. O(1).
-- needs: time states

local p, id = KEYS[1], ARGV[3]
local text = redis.call('HGET', p .. 'states', id)
if not text or state_value(text, 'k') ~= ARGV[2] .. ':' .. ARGV[4] then return 0 end
local line = '\ng' .. int(instant(p, time(ARGV[1]))) .. ' ' .. ARGV[5]
local first, last = string.find(text, '\ng[^\n]*')
if first then text = string.sub(text, 1, first - 1) .. string.sub(text, last + 1) end
redis.call('ZREM', p .. 'workers', '') -- needs no memory, and lets the next write pass when full
redis.call('HSET', p .. 'states', id, text .. line)
return 1
