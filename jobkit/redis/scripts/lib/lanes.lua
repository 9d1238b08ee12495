-- Lanes: the ready jobs of one type, a sorted set. Score: priority. Member: due time (12 hex
-- digits), arrival (10 hex digits), id. In a queue in order of due times ('order' in `control`)
-- these change places: the score is the due time, and the member begins with the priority above
-- the lowest. The index `heads` has the head of each lane that is
-- not empty: the same score, the same member with the lane's name behind it; so walking the
-- index meets the lanes in the order of their best jobs.
-- The index by type: for each other set of jobs (`scheduled`, `dead:kept` and so on) and each
-- type that it has jobs of there is a sorted set `of:<set>:<type>`, in the order of that set, and
-- `types:<set>` names the types. Not so for `running`, whose places are such sets, and for
-- `succeeded`, where every job would pay for it: there `types:succeeded` is a hash with the
-- number of each type, for totals only, and a page by type looks through the set.

local MEMBER_PREFIX = 22
local CHUNK = 1000 -- arguments to one call

local LOWEST_PRIORITY = -32768

local by_time = {} -- by prefix, once it was read
local function is_by_time(p)
  if by_time[p] == nil then
    by_time[p] = redis.call('HGET', p .. 'control', 'order') == 'run_at'
  end
  return by_time[p]
end

-- Score and member of a ready job.
local function lane_place(p, priority, due, arrival, id)
  local score, first = priority, due
  if is_by_time(p) then score, first = due, priority - LOWEST_PRIORITY end
  return score, string.format('%012x%010x', first, arrival) .. id
end

-- Suspects, which were lost before, have a lane of their own.
local function lane_name(type, suspect)
  if suspect then return '!' .. type end
  return type
end

local function lane_type(lane)
  if string.sub(lane, 1, 1) == '!' then return string.sub(lane, 2) end
  return lane
end

local function is_before(score_a, member_a, score_b, member_b)
  if score_a ~= score_b then return score_a < score_b end
  return member_a < member_b
end

local function call_in_chunks(command, key, args)
  for i = 1, #args, CHUNK do
    redis.call(command, key, unpack(args, i, math.min(i + CHUNK - 1, #args)))
  end
end

local function read_in_chunks(key, names)
  local values = {}
  for i = 1, #names, CHUNK do
    local last = math.min(i + CHUNK - 1, #names)
    for at, value in ipairs(redis.call('HMGET', key, unpack(names, i, last))) do
      values[i + at - 1] = value
    end
  end
  return values
end

-- Pauses: words in one line of `control`, there while something is paused: "*" for the queue,
-- "=type" for a type in it, "~type" for a type over all queues. A type goes by the name of its
-- lane and by that of its group.
local paused = {} -- by prefix, once it was read

local function parse_pauses(text)
  if not text then return false end
  local words = {}
  for word in string.gmatch(text, '%S+') do words[word] = true end
  return words
end

local function pauses_of(p)
  if paused[p] == nil then
    paused[p] = parse_pauses(redis.call('HGET', p .. 'control', 'paused'))
  end
  return paused[p]
end

local function is_paused(p, type, group)
  local words = pauses_of(p)
  if not words then return false end
  return words['*'] or words['=' .. group] or words['~' .. group]
    or words['=' .. type] or words['~' .. type] or false
end

local function head_of(p, lane)
  local head = redis.call('ZRANGE', p .. 'lane:' .. lane, 0, 0, 'WITHSCORES')
  if #head == 0 then return nil, nil end
  return tonumber(head[2]), head[1]
end

local function move_head(p, lane, old_member, score, member)
  if old_member == member then return end
  if old_member then redis.call('ZREM', p .. 'heads', old_member .. lane) end
  if member then redis.call('ZADD', p .. 'heads', score, member .. lane) end
end

-- Collect what goes into the index by type, to be written by `flush_ready`.
local function collect_typed(ready, set, type, score, member)
  local name = 'of:' .. set .. ':' .. type
  local batch = ready[name]
  if not batch then
    ready[name] = { score, member, set = set, type = type }
  else
    batch[#batch + 1] = score
    batch[#batch + 1] = member
  end
end

local function flush_typed(p, name, batch, types)
  call_in_chunks('ZADD', p .. name, batch)
  local named = types[batch.set]
  if named then named[#named + 1] = batch.type else types[batch.set] = { batch.type } end
end

local function forget_if_empty(p, key, set, name)
  if redis.call('EXISTS', p .. key) == 0 then redis.call('SREM', p .. 'types:' .. set, name) end
end

local function remove_typed(p, set, type, member)
  local key = 'of:' .. set .. ':' .. type
  redis.call('ZREM', p .. key, member)
  forget_if_empty(p, key, set, type)
end

-- Write how many more jobs of each type there are in `succeeded`.
local function tally(p, counts)
  for type, count in pairs(counts) do
    if count ~= 0 and redis.call('HINCRBY', p .. 'types:succeeded', type, count) == 0 then
      redis.call('HDEL', p .. 'types:succeeded', type)
    end
  end
end

-- Follow a cut of a set at its beginning: `counts` says how many of each type went.
local function cut_typed(p, set, counts)
  for type, count in pairs(counts) do
    local key = 'of:' .. set .. ':' .. type
    redis.call('ZREMRANGEBYRANK', p .. key, 0, count - 1)
    forget_if_empty(p, key, set, type)
  end
end

-- Collect jobs that get ready, to be written by `flush_ready` once for each lane.
local function collect_ready(ready, lane, score, member)
  local batch = ready[lane]
  if not batch then
    batch = { score, member }
    ready[lane] = batch
  else
    batch[#batch + 1] = score
    batch[#batch + 1] = member
  end
  if not batch.member or is_before(score, member, batch.score, batch.member) then
    batch.score, batch.member = score, member
  end
end

local function flush_lane(p, lane, batch)
  local score, member = head_of(p, lane)
  call_in_chunks('ZADD', p .. 'lane:' .. lane, batch)
  if not member or is_before(batch.score, batch.member, score, member) then
    move_head(p, lane, member, batch.score, batch.member)
  end
end

local function flush_ready(p, ready)
  local types = {}
  for name, batch in pairs(ready) do
    if batch.set then flush_typed(p, name, batch, types) else flush_lane(p, name, batch) end
  end
  for set, names in pairs(types) do
    call_in_chunks('SADD', p .. 'types:' .. set, names)
  end
end

local function remove_ready(p, lane, member)
  local _, old = head_of(p, lane)
  redis.call('ZREM', p .. 'lane:' .. lane, member)
  if old == member then
    local score, new = head_of(p, lane)
    move_head(p, lane, old, score, new)
  end
end
