-- The index by type: for each other set of jobs (`scheduled`, `dead:kept` and so on) and each
-- type that it has jobs of there is a sorted set `of:<set>:<type>`, in the order of that set, and
-- `types:<set>` names the types. Not so for `running`, whose places are such sets, and for
-- `succeeded`, where every job would pay for it: there `types:succeeded` is a hash with the
-- number of each type, for totals only, and a page by type looks through the set.
-- needs: ready

local function typed_name(set, type)
  return 'of:' .. set .. ':' .. type
end

-- Collect what goes into the index by type, to be written by `flush_ready`.
local function collect_typed(ready, set, type, score, member)
  local name = typed_name(set, type)
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
  local key = typed_name(set, type)
  redis.call('ZREM', p .. key, member)
  forget_if_empty(p, key, set, type)
end

-- Follow a cut of a set at its beginning: `counts` says how many of each type went.
local function cut_typed(p, set, counts)
  for type, count in pairs(counts) do
    local key = typed_name(set, type)
    redis.call('ZREMRANGEBYRANK', p .. key, 0, count - 1)
    forget_if_empty(p, key, set, type)
  end
end

local function flush_ready(p, ready)
  local types = {}
  for name, batch in pairs(ready) do
    if batch.set then
      flush_typed(p, name, batch, types)
    else
      find_head(p, name, batch)
      write_lane(p, name, batch)
    end
  end
  for set, names in pairs(types) do
    call_in_chunks('SADD', p .. 'types:' .. set, names)
  end
end
