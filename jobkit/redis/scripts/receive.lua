-- Store the children that a queue of another slot has left for this one, each once for ever:
-- their numbers grow, and the greatest one that has arrived is kept.
-- KEYS: prefix. ARGV: now, the queue that they come from, number of children, the number of
-- each, growing; then the children (see publish.lua).
-- Reply: the greatest number that has arrived. O(children x log ready).
-- needs: publish kinds

local p, field, count = KEYS[1], 'from:' .. ARGV[2], tonumber(ARGV[3])
local mark = tonumber(redis.call('HGET', p .. 'control', field) or 0)
local first = 1
while first <= count and tonumber(ARGV[3 + first]) <= mark do first = first + 1 end
if first > count then return int(mark) end

check_kinds(p)
local clock = time(ARGV[1])
local batch = read_batch(clock, 4 + count, #ARGV + 1)
batch.first = batch.first + (first - 1) * JOB
local plan = plan_keys(batch)
-- Refused at `maxmemory`, before anything is written.
redis.call('HSET', p .. 'control', field, ARGV[3 + count])
publish(batch, plan)
return ARGV[3 + count]
