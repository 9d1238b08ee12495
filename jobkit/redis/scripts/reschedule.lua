-- Make a waiting job due at another time, or let an ended one begin anew then.
-- KEYS: prefix. ARGV: now, id, due time ('' for now), states that this is for, in one line.
-- Reply: the state it was in, '' if unknown; or, if it has ended and another job holds its unique
-- key, "!" and the id of that one; "-" if its payload is gone. O(log jobs).
-- needs: jobs ties hints anew

local p, id, states = KEYS[1], ARGV[2], ' ' .. ARGV[4] .. ' '
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return '' end
local where, key, member, line, type = locate(p, id, body)
if where == 'running' or not string.find(states, ' ' .. where .. ' ', 1, true) then return where end

local now = instant(p, time(ARGV[1]))
local state = read_state(p, id)
local has_ended = where == 'succeeded' or where == 'dead' or where == 'cancelled'
if state.z then return '-' end
local holder = has_ended and key_taken_from(p, state, now)
if holder then return '!' .. holder end
local waits_as = where == 'retrying' and where or 'scheduled'
take_out(p, id, where, key, member, line, type)
if has_ended then
  state = forget_runs(p, id, state)
end
state.d = ARGV[3] == '' and int(now) or int(math.max(0, tonumber(ARGV[3])))
if has_ended then tie_again(p, id, state, tonumber(state.d), now)
else tie_until(p, id, state, tonumber(state.d), now) end
write_state(p, id, state)
local _, priority, due, arrival = rank(body, state)
local ready = {}
local somebody = put_back(p, ready, waits_as, now, id, type, priority, due, arrival, state.l)
flush_ready(p, ready)
if somebody then hint(p, type) end
return where
