-- Make a waiting job due at another time, or let an ended one begin anew then.
-- KEYS: prefix. ARGV: now, id, due time ('' for now), states that this is for, in one line.
-- Reply: the state it was in, '' if unknown. O(log jobs).
-- needs: time lanes hints jobs

local p, id, states = KEYS[1], ARGV[2], ' ' .. ARGV[4] .. ' '
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return '' end
local where, key, member, lane = locate(p, id, body)
if where == 'running' or not string.find(states, ' ' .. where .. ' ', 1, true) then return where end

local now = instant(p, time(ARGV[1]))
local state = read_state(p, id)
local waits_as = where == 'retrying' and where or 'scheduled'
take_out(p, id, where, key, member, lane)
if where == 'succeeded' or where == 'dead' or where == 'cancelled' then
  local starts = state.n or (state.s and '1')
  state = { n = starts, R = state.R, p = state.p }
  redis.call('HDEL', p .. 'attempts', id)
  redis.call('HDEL', p .. 'results', id)
end
state.d = ARGV[3] == '' and int(now) or int(math.max(0, tonumber(ARGV[3])))
write_state(p, id, state)
local type, priority, due, arrival = rank(body, state)
local ready = {}
local somebody = put_back(p, ready, waits_as, now, id, type, priority, due, arrival, state.l)
flush_ready(p, ready)
if somebody then hint(p, type) end
return where
