-- Read ticks that are due, earliest first, and when the next one is.
-- KEYS: prefix. ARGV: now, limit, number of known rules, then those, then schedules to pass over.
-- Reply: now, next ('' for none), then for each: name, tick, first tick, head and definition.
-- O(schedules passed over + due).
-- needs: schedules

local READ_AT_ONCE = 100

local p, limit = KEYS[1], tonumber(ARGV[2])
local now = instant(p, time(ARGV[1]))
local rules, skip = {}, {}
for i = 4, #ARGV do
  if i < 4 + tonumber(ARGV[3]) then rules[ARGV[i]] = true else skip[ARGV[i]] = true end
end

local reply, count, at = { int(now), '' }, 0, 0
while true do
  local chunk = redis.call('ZRANGE', p .. 'ticks', at, at + READ_AT_ONCE - 1, 'WITHSCORES')
  if #chunk == 0 then return reply end
  at = at + READ_AT_ONCE
  for i = 1, #chunk, 2 do
    local name, look = chunk[i], tonumber(chunk[i + 1])
    local state = read_schedule(p, name)
    if not skip[name] and (not state.r or rules[state.r]) then
      if look > now then
        reply[2] = int(look)
        return reply
      end
      if count < limit then
        count = count + 1
        for _, word in ipairs({ name, state.t, state.f, redis.call('HGET', p .. 'schedules', name) }) do
          reply[#reply + 1] = word
        end
      end
    end
  end
end
