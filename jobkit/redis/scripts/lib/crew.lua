-- Workers: `workers` (sorted by last heartbeat), `serving` (worker to lane set), `lanes:<set>`
-- (type to "limit flags group"), `abouts` (worker to what it tells of itself).
-- needs: hints

local FORGOTTEN = 600000

local function drop_unused_lanes(p, lane_set)
  for _, used in ipairs(redis.call('HVALS', p .. 'serving')) do
    if used == lane_set then return end
  end
  redis.call('DEL', p .. 'lanes:' .. lane_set, p .. 'idle:' .. lane_set)
  no_longer_served(p, lane_set)
end

local function forget(p, worker)
  local lane_set = redis.call('HGET', p .. 'serving', worker)
  redis.call('ZREM', p .. 'workers', worker)
  redis.call('HDEL', p .. 'serving', worker)
  redis.call('HDEL', p .. 'claims', worker)
  redis.call('HDEL', p .. 'abouts', worker)
  redis.call('DEL', p .. 'hint:' .. worker)
  if lane_set then
    no_longer_idle(p, worker, lane_set)
    drop_unused_lanes(p, lane_set)
  end
end
