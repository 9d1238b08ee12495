-- One job that is due at once and has no state; a part of push.lua, whose names it uses. It does
-- what `publish` would do, without most of its functions and tables: they would cost half as much
-- again as all the rest.
-- needs: lanes

local p, type, priority, id, tail = KEYS[1], ARGV[7], ARGV[8], ARGV[12], ARGV[13]
local control = redis.call('HMGET', p .. 'control', 'at', 'order', 'arrivals', 'idlers')
by_time[p] = control[2] == 'run_at'
local now, arrival = instant(p, clock, control[1]), (control[3] or 0) + 1
local now_text, arrival_text = now == clock and clock_text or int(now), int(arrival)
local lane, score, member = p .. 'lane:' .. type, lane_place(p, tonumber(priority), now, arrival, id)
local head = redis.call('ZRANGE', lane, 0, 0, 'WITHSCORES')
local moves = not head[1] or is_before(score, member, tonumber(head[2]), head[1])
if moves then redis.call('ZCARD', p .. 'heads') end
redis.call('HSET', p .. 'bodies', id,
  type .. ' ' .. priority .. ' ' .. now_text .. ' ' .. arrival_text .. ' = ' .. tail)
redis.call('HSET', p .. 'control', 'arrivals', arrival_text)
redis.call('ZADD', lane, score, member)
if moves then
  if head[1] then redis.call('ZREM', p .. 'heads', head[1] .. type) end
  redis.call('ZADD', p .. 'heads', score, member .. type)
end
if control[4] then
  -- needs: hints
  hint(p, type, control[4])
end
