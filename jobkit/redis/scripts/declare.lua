-- Show that a worker of an owner is alive and declares these schedules; remove those of this
-- owner that for long no worker has declared although one was alive.
-- KEYS: prefix. ARGV: now, owner, names.
-- Reply: 1 if the owner was known, then the names of what was removed. O(schedules).
-- needs: schedules

local OWNER_SILENT = 120000
local UNDECLARED_REMOVED = 600000

local p, owner = KEYS[1], ARGV[2]
local now = instant(p, time(ARGV[1]))
local declared, own = {}, {}
for i = 3, #ARGV do declared[ARGV[i]] = true end
local found = redis.call('HGETALL', p .. 'scheduling')
for i = 1, #found, 2 do
  if state_value(found[i + 1], 'a') == owner then own[#own + 1] = found[i] end
end
table.sort(own)

local text, reply = redis.call('HGET', p .. 'owners', owner), { 1 }
-- A write that needs no memory comes first, so that a full Redis still hears of declarations.
redis.call('ZREM', p .. 'schedules:ended', '')
forget_ended_schedules(p, now)
if not text then return { 0 } end -- a put makes it known
if #own == 0 and #ARGV < 3 then
  redis.call('HDEL', p .. 'owners', owner)
  return reply
end
local since, last = string.match(text, '^(%d+) (%d+)$')
since, last = tonumber(since), tonumber(last)
if now - last > OWNER_SILENT then since = now end -- nobody could have declared anything
redis.call('HSET', p .. 'owners', owner, int(since) .. ' ' .. int(now))
for _, name in ipairs(own) do
  local state = read_schedule(p, name)
  if declared[name] then
    state.d = int(now)
    write_schedule(p, name, state)
  elseif state.p and now - math.max(tonumber(state.d), since) >= UNDECLARED_REMOVED then
    drop_schedule(p, name)
    reply[#reply + 1] = name
  end
end
return reply
