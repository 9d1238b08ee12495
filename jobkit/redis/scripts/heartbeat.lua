-- Show that a worker lives: keep its lane set, extend its leases, learn what befell them.
-- KEYS: prefix. ARGV: now, worker, lane set, lease, number of lanes, number of leases, number
-- of started leases, what the worker tells of itself, then for each lane: type, "limit flags group"; for each lease, and then
-- for each started one: id, fence.
-- Reply: now, lost ids, cancelled ids, deleted ids, next tick ('' for none). O(lanes + leases x log running).
-- needs: watermark states crew

local p, worker, lane_set = KEYS[1], ARGV[2], ARGV[3]
local lease = tonumber(ARGV[4])
local lanes, leases, started = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local clock = time(ARGV[1])
-- A write that needs no memory comes first, so that a full Redis still keeps leases.
redis.call('ZREM', p .. 'workers', '')
local now = tick(p, clock, lease)

local function announce()
  local first = 9
  if redis.call('EXISTS', p .. 'lanes:' .. lane_set) == 0 and lanes > 0 then
    for i = first, first + lanes * 2 - 1, 2 do
      redis.call('HSET', p .. 'lanes:' .. lane_set, ARGV[i], ARGV[i + 1])
    end
  end
  local before = redis.call('HGET', p .. 'serving', worker)
  redis.call('ZADD', p .. 'workers', now, worker)
  redis.call('HSET', p .. 'serving', worker, lane_set)
  redis.call('HSET', p .. 'abouts', worker, ARGV[8])
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', p .. 'workers', '-inf', now - FORGOTTEN)) do
    forget(p, silent)
  end
  if before and before ~= lane_set then
    no_longer_idle(p, worker, before) -- it is awake, and claims by the new set
    drop_unused_lanes(p, before)
  end
  return first + lanes * 2
end

local function each_lease(first, count, visit)
  for i = first, first + (count - 1) * 2, 2 do
    visit(ARGV[i], worker .. ':' .. ARGV[i + 1])
  end
end

local at = announce()
each_lease(at + leases * 2, started, function(id, token)
  local state = read_state(p, id)
  if state.k == token and not state.s then
    note_start(state, now)
    write_state(p, id, state)
  end
end)

local lost, cancelled, deleted = {}, {}, {}
each_lease(at, leases, function(id, token)
  local state = read_state(p, id)
  if state.k == token then
    redis.call('ZADD', p .. 'running', now + lease, id)
    if state.c then cancelled[#cancelled + 1] = id end
  elseif redis.call('HEXISTS', p .. 'bodies', id) == 1 then
    lost[#lost + 1] = id
  else
    deleted[#deleted + 1] = id
  end
end)
local tick = redis.call('ZRANGE', p .. 'ticks', 0, 0, 'WITHSCORES')[2]
return { int(now), lost, cancelled, deleted, tick and int(tonumber(tick)) or '' }
