-- Move a schedule to its next tick and store the job of this one, unless somebody has done so.
-- KEYS: prefix. ARGV: now, name, expected tick, next tick ('' for none), missed (1 or 0), has a
-- job (1 or 0), then that as a batch (see publish.lua).
-- Reply: fired | skipped | passed | waits | early. O(log schedules + log jobs).
-- needs: schedules publish kinds

local CAUGHT_UP_PER_MINUTE = 1000
local MINUTE = 60000

local p, name, expected, following = KEYS[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local clock = time(ARGV[1])
local now = instant(p, clock)
local state = read_schedule(p, name)
if state.t ~= expected then return 'passed' end
if tonumber(expected) > now then return 'early' end

if ARGV[5] == '1' then
  local since, count = string.match(state.w or '0 0', '^(%d+) (%d+)$')
  since, count = tonumber(since), tonumber(count)
  if now < since or now - since >= MINUTE then since, count = now, 0 end
  if count >= CAUGHT_UP_PER_MINUTE then
    redis.call('ZADD', p .. 'ticks', since + MINUTE, name)
    return 'waits'
  end
  state.w = int(since) .. ' ' .. int(count + 1)
end

-- Whether the job of the last tick that made one has not ended.
local function is_unfinished()
  local text = state.j and redis.call('HGET', p .. 'states', state.j)
  return text and state_value(text, 'S')
end

local function may_fire(id)
  if redis.call('HEXISTS', p .. 'bodies', id) == 1 then
    return false -- a clock that was set back has brought the same tick again
  end
  local unfinished = redis.call('SCARD', p .. 'unfinished:' .. name)
  if state.m and tonumber(state.s or 0) + unfinished >= tonumber(state.m) then return false end
  return not (state.x and is_unfinished())
end

local id, fires = ARGV[14], ARGV[6] == '1' and may_fire(ARGV[14])
check_kinds(p)
if fires then state.l, state.j, state.o = ARGV[11], id, nil end
-- Refused at `maxmemory`, before anything is written.
move_schedule(p, name, state, not is_used_up(state) and following or nil, now)
if fires then
  redis.call('SADD', p .. 'unfinished:' .. name, id)
  publish(read_batch(clock, 7, #ARGV + 1))
end
forget_ended_schedules(p, now)
return fires and 'fired' or 'skipped'
