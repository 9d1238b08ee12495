-- Count the jobs of a queue, by state and type.
-- KEYS: prefix. ARGV: now.
-- Reply: now, due, next due ('' for none), due time of the job that is due longest ('' for none),
-- then set, type and number for each set of jobs and each type in it. O(lanes x priorities in use + types).
-- needs: time lanes names active

local p = KEYS[1]
local now = instant(p, time(ARGV[1]))

local function first(key)
  return tonumber(redis.call('ZRANGE', p .. key, 0, 0, 'WITHSCORES')[2])
end

local function due(key) return redis.call('ZCOUNT', p .. key, '-inf', now) end

local function earlier(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end

-- In a lane the earliest due time of each priority stands first in it; in a queue in order of
-- due times, that of all.
local function first_in_lane(key)
  local found, from = nil, '-inf'
  while true do
    local head = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if #head == 0 then return found end
    if is_by_time(p) then return tonumber(head[2]) end
    found = earlier(found, tonumber(string.sub(head[1], 1, 12), 16))
    from = '(' .. head[2]
  end
end

local next_due = earlier(first('scheduled'), first('retrying'))
local oldest = next_due and next_due <= now and next_due or nil
local sizes = {}

local function count(set, type, key)
  local at = #sizes
  sizes[at + 1], sizes[at + 2], sizes[at + 3] = set, type, redis.call('ZCARD', key)
end

for _, head in ipairs(redis.call('ZRANGE', p .. 'heads', 0, -1)) do
  local lane = string.sub(head, MEMBER_PREFIX + 27)
  local key = p .. 'lane:' .. lane
  count('queued', lane_type(lane), key)
  oldest = earlier(oldest, first_in_lane(key))
end
for _, place in ipairs(places_in_use(p)) do
  local at = #sizes
  sizes[at + 1], sizes[at + 2] = 'running', place_type(place)
  sizes[at + 3] = redis.call('ZLEXCOUNT', p .. 'active', range_of(place))
end
local counted = redis.call('HGETALL', p .. 'types:succeeded')
for i = 1, #counted, 2 do
  local at = #sizes
  sizes[at + 1], sizes[at + 2], sizes[at + 3] = 'succeeded', counted[i], tonumber(counted[i + 1])
end
for _, set in ipairs({
  'scheduled', 'retrying', 'succeeded:kept', 'dead', 'dead:kept', 'cancelled', 'cancelled:kept',
}) do
  for _, type in ipairs(redis.call('SMEMBERS', p .. 'types:' .. set)) do
    count(set, type, p .. 'of:' .. set .. ':' .. type)
  end
end

return {
  int(now), due('scheduled') + due('retrying'), next_due and int(next_due) or '',
  oldest and int(oldest) or '', sizes,
}
