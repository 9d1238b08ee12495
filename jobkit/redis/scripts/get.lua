-- Read jobs by id.
-- KEYS: prefix. ARGV: now, ids. Reply: now, then for each: state ('' if unknown), body, state hash.
-- needs: time lanes hints jobs

local p = KEYS[1]
local reply = { int(instant(p, time(ARGV[1]))) }
for i = 2, #ARGV do
  local body = redis.call('HGET', p .. 'bodies', ARGV[i])
  if body then
    local where = locate(p, ARGV[i], body)
    reply[i] = { where or '', body, redis.call('HGETALL', p .. 'job:' .. ARGV[i]) }
  else
    reply[i] = { '', '', {} }
  end
end
return reply
