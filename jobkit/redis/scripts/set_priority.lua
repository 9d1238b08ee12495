-- Give a waiting job another priority.
-- KEYS: prefix. ARGV: id, priority. Reply: the state it was in, '' if unknown. O(log jobs).
-- needs: jobs

local p, id = KEYS[1], ARGV[1]
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return '' end
local where, key, member, line = locate(p, id, body)
if where ~= 'queued' and where ~= 'scheduled' and where ~= 'retrying' then return where end

local state = read_state(p, id)
state.p = ARGV[2]
write_state(p, id, state)
if where == 'queued' then
  local ready = {}
  take_out(p, id, where, key, member, line)
  local _, priority, due, arrival = rank(body, state)
  collect_ready(ready, line, lane_place(p, priority, due, arrival, id))
  flush_ready(p, ready)
end
return where
