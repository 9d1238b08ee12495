-- Schedules, by name. `schedules` has a line "limit skips owner rule grid" ('-' for none) and the
-- definition, which clients read. `scheduling` has lines of a letter and a value, as `states` of
-- jobs (see jobs.lua):
--   f first tick of the grid    t next tick; there is none once it has ended
--   m limit    x skips overlaps    a owner    r rule                     as in the line above
--   p put at   d declared at    e ended at    s successes
--   l last tick that made a job    j that job    o how it ended
--   w "since count" of the minute in which missed ticks are counted
-- `ticks` has those that go on, by when to look at them: their next tick, or later.
-- `schedules:ended` has the others, by when they ended or were put again. `unfinished:<name>` has
-- the jobs of its ticks that have not ended. `owners` has by owner "alive-since last-declared".
-- needs: time states

local ENDED_LISTED = 2592000000
local FORGOTTEN_AT_ONCE = 100

local function read_schedule(p, name)
  return parse_state(redis.call('HGET', p .. 'scheduling', name))
end

local function write_schedule(p, name, state)
  redis.call('HSET', p .. 'scheduling', name, state_text(state))
end

local function is_used_up(state)
  return state.m and tonumber(state.s or 0) >= tonumber(state.m)
end

-- Let a schedule wait for another tick; nil: end it.
local function move_schedule(p, name, state, tick, now)
  if tick then
    state.t, state.e = int(tick), nil
    write_schedule(p, name, state)
    redis.call('ZADD', p .. 'ticks', tick, name)
    redis.call('ZREM', p .. 'schedules:ended', name)
  else
    state.t, state.e = nil, int(now)
    write_schedule(p, name, state)
    redis.call('ZREM', p .. 'ticks', name)
    redis.call('ZADD', p .. 'schedules:ended', now, name)
  end
end

local function drop_schedule(p, name)
  redis.call('ZREM', p .. 'ticks', name)
  redis.call('ZREM', p .. 'schedules:ended', name)
  redis.call('HDEL', p .. 'scheduling', name)
  redis.call('DEL', p .. 'unfinished:' .. name)
  return redis.call('HDEL', p .. 'schedules', name)
end

local function forget_ended_schedules(p, now)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', p .. 'schedules:ended', '-inf',
    now - ENDED_LISTED, 'LIMIT', 0, FORGOTTEN_AT_ONCE)) do
    drop_schedule(p, name)
  end
end

-- Note that the job of a tick has ended, for the first time.
local function tick_ended(p, name, id, outcome, now)
  local state = read_schedule(p, name)
  if not state.p then return end
  if state.j == id then state.o = outcome end
  if redis.call('SREM', p .. 'unfinished:' .. name, id) == 1 and outcome == 'succeeded' then
    state.s = int((state.s or 0) + 1)
  end
  if state.t and is_used_up(state) then
    move_schedule(p, name, state, nil, now)
  else
    write_schedule(p, name, state)
  end
end
