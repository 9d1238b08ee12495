-- Cancel a waiting job, mark a running one, leave an ended one.
-- KEYS: prefix. ARGV: now, id, four bounds. Reply: the state it was in, '' if unknown.
-- O(log jobs).
-- needs: jobs ties hints

local p, id = KEYS[1], ARGV[2]
local body = redis.call('HGET', p .. 'bodies', id)
if not body then return '' end
local now = instant(p, time(ARGV[1]))
local where, key, member, line, type = locate(p, id, body)
-- A write that needs no memory comes first, so that a full Redis still cancels.
redis.call('ZREM', p .. 'workers', '')
if where == 'running' then
  local text = redis.call('HGET', p .. 'states', id)
  if not state_value(text, 'c') then
    redis.call('HSET', p .. 'states', id, text .. '\nc' .. int(now))
  end
elseif where == 'queued' or where == 'scheduled' or where == 'retrying' then
  take_out(p, id, where, key, member, line, type)
  local state = read_state(p, id)
  local loose = no_ties()
  untie_for_good(loose, id, state, 'cancelled')
  state.c, state.e = int(now), int(now)
  write_state(p, id, state)
  flush_loose(p, loose, now)
  local ready = {}
  add_ended(p, ready, 'cancelled', id, type, now, state.R)
  flush_ready(p, ready)
  trim(p, now, { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }, 1)
end
return where
