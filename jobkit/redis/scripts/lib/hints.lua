-- Hints: wake one idle worker that serves a type, unless that is paused. A hint carries no job
-- and may be lost.
-- `idlers`: the lane sets that idle workers serve. `idle:<lane set>`: those workers.
-- needs: paused

local HINT_SECONDS = 60 -- rubbish collection only

-- Wake one of the workers that idle with a lane set; false if none does.
local function wake_one(p, key)
  local popped = redis.call('ZPOPMAX', p .. 'idle:' .. key)
  if redis.call('EXISTS', p .. 'idle:' .. key) == 0 then
    redis.call('SREM', p .. 'idlers', key)
  end
  if #popped == 0 then return false end
  redis.call('RPUSH', p .. 'hint:' .. popped[1], '1')
  redis.call('EXPIRE', p .. 'hint:' .. popped[1], HINT_SECONDS)
  return true
end

-- True if somebody was woken.
local function hint(p, type)
  for _, key in ipairs(redis.call('SMEMBERS', p .. 'idlers')) do
    local spec = redis.call('HGET', p .. 'lanes:' .. key, type)
    if spec and not is_paused(p, type, string.match(spec, '^%d* %d* (.*)$')) then
      if wake_one(p, key) then return true end
    end
  end
end

local function no_longer_idle(p, worker, key)
  if redis.call('ZREM', p .. 'idle:' .. key, worker) == 1
    and redis.call('EXISTS', p .. 'idle:' .. key) == 0 then
    redis.call('SREM', p .. 'idlers', key)
  end
end

-- Wake one idle worker, whatever it serves.
local function hint_anybody(p)
  for _, key in ipairs(redis.call('SMEMBERS', p .. 'idlers')) do
    if wake_one(p, key) then return end
  end
end

-- Wake somebody for a limited group that has room again, if a job of it is ready. `worker` had the
-- slot; `is_awake`: it needs no hint itself.
local function hint_freed(p, worker, group, is_awake)
  if redis.call('EXISTS', p .. 'idlers') == 0 then return end
  local key = redis.call('HGET', p .. 'serving', worker)
  if not key then return end
  if is_awake then no_longer_idle(p, worker, key) end
  local lanes = redis.call('HGETALL', p .. 'lanes:' .. key)
  for i = 1, #lanes, 2 do
    local type, its_group = lanes[i], string.match(lanes[i + 1], '^%d* %d* (.*)$')
    if its_group == group
      and redis.call('EXISTS', p .. 'lane:' .. type, p .. 'lane:!' .. type) > 0
      and hint(p, type) then
      return
    end
  end
end
