-- Read what was counted of a queue's attempts.
-- KEYS: prefix. ARGV: now, number of minutes ('' for all, and the totals).
-- Reply: now; group and numbers in turn; "place group" and "minute numbers" in turn.
-- O(minutes x groups).
-- needs: counting

local p, minutes = KEYS[1], tonumber(ARGV[2])
local now = instant(p, time(ARGV[1]))
if not minutes then
  return { int(now), redis.call('HGETALL', p .. 'totals'), redis.call('HGETALL', p .. 'minutes') }
end

local last, fields, found = math.floor(now / MINUTE_LENGTH), {}, {}
for _, group in ipairs(redis.call('HKEYS', p .. 'totals')) do
  for minute = last - minutes + 1, last do
    fields[#fields + 1] = int(minute % MINUTES_KEPT) .. ' ' .. group
  end
end
for i, value in pairs(read_in_chunks(p .. 'minutes', fields)) do
  if value then
    found[#found + 1] = fields[i]
    found[#found + 1] = value
  end
end
return { int(now), {}, found }
