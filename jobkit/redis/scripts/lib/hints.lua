-- Hints: wake one idle worker that serves a type, unless that is paused. A hint carries no job
-- and may be lost; those that nobody heeded go when their worker is forgotten.
-- `idlers` in `control`: the lane sets that idle workers serve, a line for each, there while there
-- are some; one with which nobody idles any more is taken out by whoever finds that.
-- `idle:<lane set>`: those workers.
-- needs: paused

local LINES = '[^\n]+'

local function idlers_of(p)
  return redis.call('HGET', p .. 'control', 'idlers') or ''
end

local function no_longer_served(p, key)
  local left = {}
  for other in string.gmatch(idlers_of(p), LINES) do
    if other ~= key then left[#left + 1] = other end
  end
  if #left == 0 then
    redis.call('HDEL', p .. 'control', 'idlers')
  else
    redis.call('HSET', p .. 'control', 'idlers', table.concat(left, '\n'))
  end
end

-- Wake one of the workers that idle with a lane set; false if none does.
local function wake_one(p, key)
  local worker = redis.call('ZPOPMAX', p .. 'idle:' .. key)[1]
  if not worker then
    no_longer_served(p, key)
    return false
  end
  redis.call('RPUSH', p .. 'hint:' .. worker, '1')
  return true
end

-- True if somebody was woken. `idlers`: if they were read.
local function hint(p, type, idlers)
  for key in string.gmatch(idlers or idlers_of(p), LINES) do
    local spec = redis.call('HGET', p .. 'lanes:' .. key, type)
    if spec and not is_paused(p, type, string.match(spec, '^%d* %d* (.*)$')) then
      if wake_one(p, key) then return true end
    end
  end
end

local function no_longer_idle(p, worker, key)
  redis.call('ZREM', p .. 'idle:' .. key, worker)
end

-- Wake one idle worker, whatever it serves.
local function hint_anybody(p)
  for key in string.gmatch(idlers_of(p), LINES) do
    if wake_one(p, key) then return end
  end
end

-- Wake somebody for a limited group that has room again, if a job of it is ready. `worker` had the
-- slot; `is_awake`: it needs no hint itself.
local function hint_freed(p, worker, group, is_awake)
  local idlers = idlers_of(p)
  if idlers == '' then return end
  local key = redis.call('HGET', p .. 'serving', worker)
  if not key then return end
  if is_awake then no_longer_idle(p, worker, key) end
  local lanes = redis.call('HGETALL', p .. 'lanes:' .. key)
  for i = 1, #lanes, 2 do
    local type, its_group = lanes[i], string.match(lanes[i + 1], '^%d* %d* (.*)$')
    if its_group == group
      and redis.call('EXISTS', p .. 'lane:' .. type, p .. 'lane:!' .. type) > 0
      and hint(p, type, idlers) then
      return
    end
  end
end
