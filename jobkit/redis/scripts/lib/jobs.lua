-- Jobs: where each of them stands, and what is known of it.
-- needs: states typed active ended names removing

local MAX_LOSSES = 3
local ATTEMPTS_KEPT = 10
local LOST = '"outcome":"lost","error_type":"JobLost",'
  .. '"message":"its worker died, or lost the lease, while the job ran","traceback":""'
local ENDED = { 'succeeded', 'dead', 'cancelled' }
local CANCELLED = '"outcome":"cancelled","error_type":"",'
  .. '"message":"cancelled while it ran","traceback":""'

-- Let a job stand where its due time says: ready, or waiting in `waits_as`.
-- `ready` collects for `flush_ready`; the caller flushes and hints. True: somebody must look.
local function put_back(p, ready, waits_as, now, id, type, priority, due, arrival, suspect)
  if due <= now then
    collect_ready(ready, lane_name(type, suspect), lane_place(p, priority, due, arrival, id))
    return true
  end
  local member = string.format('%010x', arrival) .. id
  redis.call('ZADD', p .. waits_as, due, member)
  collect_typed(ready, waits_as, type, due, member)
  return redis.call('ZRANGE', p .. waits_as, 0, 0)[1] == member
end

-- Put a job into its final set: by the instant of its end, or, kept by age, by its expiry. The
-- type behind the id saves a trim the look at the body. `ready` collects; the caller flushes.
local function add_ended(p, ready, where, id, type, now, retention)
  local set, score = where, now
  if retention then set, score = where .. ':kept', now + tonumber(retention) end
  redis.call('ZADD', p .. set, score, id .. type)
  collect_typed(ready, set, type, score, id)
end

-- Note how an attempt ended; `detail` is the inside of a JSON object, made by the client.
local function note(p, id, state, now, detail)
  local entry = '{"number":' .. int(1 + (state.x or 0) + (state.o or 0))
    .. ',"started_at":' .. int(state.s or now) .. ',"finished_at":' .. int(now)
    .. ',"worker":"' .. token_worker(state.k or state.K or state.w)
    .. '","version":' .. claim_version(state.v) .. ',' .. detail .. '}'
  local before = redis.call('HGET', p .. 'attempts', id)
  local attempts = before and (before .. '\n' .. entry) or entry
  local _, breaks = string.gsub(attempts, '\n', '')
  if breaks >= ATTEMPTS_KEPT then attempts = string.sub(attempts, string.find(attempts, '\n') + 1) end
  redis.call('HSET', p .. 'attempts', id, attempts)
end

-- Where a job stands: its state, the key that holds it, its member there, its lane if it is
-- queued or its place if it runs, and its type.
local function locate(p, id, body)
  local state = read_state(p, id)
  local type, priority, due, arrival = rank(body, state)
  if redis.call('ZSCORE', p .. 'running', id) then
    return 'running', p .. 'running', id, claim_place(state.v), type
  end
  local lane = lane_name(type, state.l)
  local _, member = lane_place(p, priority, due, arrival, id)
  if redis.call('ZSCORE', p .. 'lane:' .. lane, member) then
    return 'queued', p .. 'lane:' .. lane, member, lane, type
  end
  member = string.format('%010x', arrival) .. id
  for _, waits in ipairs({ 'scheduled', 'retrying' }) do
    if redis.call('ZSCORE', p .. waits, member) then
      return waits, p .. waits, member, nil, type
    end
  end
  member = id .. type
  for _, ended in ipairs(ENDED) do
    for _, key in ipairs({ p .. ended, p .. ended .. ':kept' }) do
      if redis.call('ZSCORE', key, member) then return ended, key, member, nil, type end
    end
  end
end

-- Take a job out of where it stands.
local function take_out(p, id, where, key, member, line, type)
  if where == 'running' then
    stop_running(p, id, line)
  elseif where == 'queued' then
    remove_ready(p, line, member)
  else
    redis.call('ZREM', key, member)
    local waits = where == 'scheduled' or where == 'retrying'
    local set = string.sub(key, #p + 1)
    if set == 'succeeded' then
      tally_succeeded(p, { [type] = -1 })
    else
      remove_typed(p, set, type, waits and member or id)
    end
  end
end

-- Everything that clients read of jobs: for each id {id, body, state, attempts, result}; '' for
-- what there is not.
local function read_jobs(p, ids)
  local found = {}
  for i, id in ipairs(ids) do found[i] = { id } end
  for at, hash in ipairs({ 'bodies', 'states', 'attempts', 'results' }) do
    local values = read_in_chunks(p .. hash, ids)
    for i = 1, #ids do found[i][at + 1] = values[i] or '' end
  end
  return found
end
