-- Count the jobs of a queue.
-- KEYS: prefix. ARGV: now. Reply: now, scheduled, retrying, due, running, succeeded, dead,
-- cancelled, next due ('' for none), then lane and number for each lane. O(lanes).
-- needs: time

local p = KEYS[1]
local now = instant(p, time(ARGV[1]))

local function size(key) return redis.call('ZCARD', p .. key) end
local function ended(state) return size(state) + size(state .. ':kept') end
local function due(key) return redis.call('ZCOUNT', p .. key, '-inf', now) end

local next_due
for _, key in ipairs({ 'scheduled', 'retrying' }) do
  local first = tonumber(redis.call('ZRANGE', p .. key, 0, 0, 'WITHSCORES')[2])
  if first and (not next_due or first < next_due) then next_due = first end
end
local reply = {
  int(now), size('scheduled'), size('retrying'), due('scheduled') + due('retrying'),
  size('running'), ended('succeeded'), ended('dead'), ended('cancelled'),
  next_due and int(next_due) or '',
}
for _, head in ipairs(redis.call('ZRANGE', p .. 'heads', 0, -1)) do
  local lane = string.sub(head, 49)
  reply[#reply + 1] = lane
  reply[#reply + 1] = size('lane:' .. lane)
end
return reply
