-- Read the schedules of a queue.
-- KEYS: prefix. ARGV: now, name ('' for all).
-- Reply: now, then for each: name, head and definition, state, unfinished ticks. O(schedules).
-- needs: time

local p = KEYS[1]
local names = ARGV[2] ~= '' and { ARGV[2] } or redis.call('HKEYS', p .. 'schedules')
local reply = { int(instant(p, time(ARGV[1]))) }
for _, name in ipairs(names) do
  local text = redis.call('HGET', p .. 'schedules', name)
  if text then
    reply[#reply + 1] = name
    reply[#reply + 1] = text
    reply[#reply + 1] = redis.call('HGET', p .. 'scheduling', name)
    reply[#reply + 1] = redis.call('SCARD', p .. 'unfinished:' .. name)
  end
end
return reply
