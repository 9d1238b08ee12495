-- Store a schedule, or bring one of this name up to date.
-- KEYS: prefix. ARGV: now, name, first tick ('' for none), limit, skips overlap (1 or 0), owner,
-- rule, grid ('-' for none of each), definition.
-- Reply: now, created | changed | same | never. O(log schedules).
-- needs: schedules hints

local p, name, first = KEYS[1], ARGV[2], tonumber(ARGV[3])
local limit, skips, owner, rule, grid = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local now = instant(p, time(ARGV[1]))
local text = table.concat({ limit, skips, owner, rule, grid }, ' ') .. '\n' .. ARGV[9]
redis.call('ZCARD', p .. 'ticks')
local last = redis.call('ZSCORE', p .. 'schedules:ended', name)
local is_over = last and tonumber(last) + ENDED_LISTED <= now
local known = not is_over and redis.call('HGET', p .. 'schedules', name)
local known_grid = known and string.match(known, '^%S+ %S+ %S+ %S+ ([^\n]*)')
if known_grid ~= grid and not first then return { int(now), 'never' } end

-- Refused at `maxmemory`, before anything is written.
redis.call('HSET', p .. 'schedules', name, text)
local earliest = redis.call('ZRANGE', p .. 'ticks', 0, 0, 'WITHSCORES')[2]
local verdict, state = 'created', is_over and {} or read_schedule(p, name)
state.p, state.d = int(now), int(now)
state.m, state.x = limit ~= '-' and limit or nil, skips == '1' and '1' or nil
state.a, state.r = owner ~= '-' and owner or nil, rule ~= '-' and rule or nil
if known_grid ~= grid then
  state.f, state.s, state.w = int(first), nil, nil
  redis.call('DEL', p .. 'unfinished:' .. name)
  move_schedule(p, name, state, first, now)
elseif known == text then
  verdict = 'same'
  write_schedule(p, name, state)
  if state.e then redis.call('ZADD', p .. 'schedules:ended', now, name) end
else
  verdict = 'changed'
  if state.t and is_used_up(state) then
    move_schedule(p, name, state, nil, now)
  elseif state.e and first and not is_used_up(state) then
    move_schedule(p, name, state, first, now)
  else
    write_schedule(p, name, state)
    if state.e then redis.call('ZADD', p .. 'schedules:ended', now, name) end
  end
end
if owner ~= '-' then redis.call('HSETNX', p .. 'owners', owner, int(now) .. ' ' .. int(now)) end
forget_ended_schedules(p, now)
if redis.call('ZRANGE', p .. 'ticks', 0, 0, 'WITHSCORES')[2] ~= earliest then hint_anybody(p) end
return { int(now), verdict }
