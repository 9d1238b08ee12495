-- Jobs. `bodies` (a hash) has what never changes: "type priority due arrival enqueued" and a
-- tail that only clients read. `job:<id>` (a hash, there once something changed) has the rest:
--   k token "worker:fence" of the last claim; "!" behind it: settled; none: never run, or lost
--   w token that was lost               d due time        R retention
--   v what the last claim knew: "flags group version", flags of the lane, version as JSON
--   s started at      n starts, if more than that one           x failures  o timeouts
--   l losses that count; there once the job was lost, and so a suspect
--   e finished at     u duration        r result    A attempts (JSON objects, one a line)
--   c cancel requested at               t timed out at
-- Which set holds the id is the state; there is no second status field.

local MAX_LOSSES = 3
local ATTEMPTS_KEPT = 10
local TRIMMED_AT_LEAST = 10
local ENDED = { 'succeeded', 'dead', 'cancelled' }
local LOST = '"outcome":"lost","error_type":"JobLost",'
  .. '"message":"its worker died, or lost the lease, while the job ran","traceback":""'
local CANCELLED = '"outcome":"cancelled","error_type":"",'
  .. '"message":"cancelled while it ran","traceback":""'

local function token_worker(token)
  return string.match(token, '^(.*):%d+!?$')
end

-- What a claim writes into `v`, and what is read off it.
local function claim_text(flags, group, version)
  return flags .. ' ' .. group .. ' ' .. version
end

local function claim_group(text)
  return string.match(text, '^%d* (%S+)')
end

local function claim_flags(text)
  return string.sub(text, 1, 1) == '1', string.sub(text, 2, 2) == '1'
end

local function claim_version(text)
  return text and string.match(text, '^%d* %S+ (.*)$') or '""'
end

local function header(body)
  local type, priority, due, arrival = string.match(body, '^(%S+) (%S+) (%S+) (%S+)')
  return type, tonumber(priority), tonumber(due), tonumber(arrival)
end

-- Let a job stand where its due time says: ready, or waiting in `waits_as`.
-- `ready` collects for `flush_ready`; the caller flushes and hints. True: somebody must look.
local function put_back(p, ready, waits_as, now, id, type, priority, due, arrival, suspect)
  if due <= now then
    collect_ready(ready, lane_name(type, suspect), priority, lane_member(due, arrival, id))
    return true
  end
  local member = string.format('%010x', arrival) .. id
  redis.call('ZADD', p .. waits_as, due, member)
  return redis.call('ZRANGE', p .. waits_as, 0, 0)[1] == member
end

local function drop(p, ids)
  if #ids == 0 then return end
  call_in_chunks('HDEL', p .. 'bodies', ids)
  local keys = {}
  for i, id in ipairs(ids) do keys[i] = p .. 'job:' .. id end
  for i = 1, #keys, CHUNK do
    redis.call('DEL', unpack(keys, i, math.min(i + CHUNK - 1, #keys)))
  end
end

-- Put an id into its final set: by the instant of its end, or, kept by age, by its expiry.
local function add_ended(p, state, id, now, retention)
  if retention then
    redis.call('ZADD', p .. state .. ':kept', now + tonumber(retention), id)
  else
    redis.call('ZADD', p .. state, now, id)
  end
end

-- Note how an attempt ended; `detail` is the inside of a JSON object, made by the client.
local function note(p, id, state, now, detail)
  local worker = token_worker(state.k or state.w)
  local entry = '{"number":' .. int(1 + (state.x or 0) + (state.o or 0))
    .. ',"started_at":' .. int(state.s or now) .. ',"finished_at":' .. int(now)
    .. ',"worker":"' .. worker .. '","version":' .. claim_version(state.v) .. ',' .. detail .. '}'
  local attempts = state.A and (state.A .. '\n' .. entry) or entry
  local _, breaks = string.gsub(attempts, '\n', '')
  if breaks >= ATTEMPTS_KEPT then attempts = string.sub(attempts, string.find(attempts, '\n') + 1) end
  redis.call('HSET', p .. 'job:' .. id, 'A', attempts)
end

-- A run that was claimed ahead and ended before its start was told. Returns its start.
local function note_unreported_start(changes, key, started)
  local starts = tonumber(redis.call('HGET', key, 'n') or 0) + 1
  local size = #changes
  changes[size + 1], changes[size + 2] = 's', int(started)
  changes[size + 3], changes[size + 4] = 'n', int(starts)
  return int(started)
end

local function read_state(p, id, ...)
  local values = redis.call('HMGET', p .. 'job:' .. id, ...)
  local state = {}
  for i, name in ipairs({ ... }) do
    if values[i] then state[name] = values[i] end
  end
  return state
end

-- Drop a bounded number of ended jobs past their retention. `bounds`: ages and counts of
-- finished, then of dead jobs.
local function trim(p, now, bounds, ended)
  local budget = TRIMMED_AT_LEAST + 2 * ended
  for _, state in ipairs(ENDED) do
    local first = state == 'dead' and 3 or 1
    local age, most = tonumber(bounds[first]), tonumber(bounds[first + 1])
    local by_age = redis.call('ZCOUNT', p .. state, '-inf', now - age)
    local excess = math.min(budget, math.max(by_age, redis.call('ZCARD', p .. state) - most))
    if excess > 0 then
      local ids = redis.call('ZRANGE', p .. state, 0, excess - 1)
      redis.call('ZREMRANGEBYRANK', p .. state, 0, excess - 1)
      drop(p, ids)
    end
    local kept = p .. state .. ':kept'
    local expired = redis.call('ZRANGEBYSCORE', kept, '-inf', now, 'LIMIT', 0, budget)
    if #expired > 0 then
      redis.call('ZREMRANGEBYRANK', kept, 0, #expired - 1)
      drop(p, expired)
    end
  end
end

local function stop_running(p, id, group)
  redis.call('ZREM', p .. 'running', id)
  redis.call('SREM', p .. 'active:' .. group, id)
end

-- Where a job stands: its state, the key that holds it, its member there, and its lane.
local function locate(p, id, body)
  local type, priority, due, arrival = header(body)
  local state = read_state(p, id, 'd', 'l', 'v')
  due = tonumber(state.d or due)
  if redis.call('ZSCORE', p .. 'running', id) then
    return 'running', p .. 'running', id, nil, claim_group(state.v)
  end
  local lane = lane_name(type, state.l)
  local member = lane_member(due, arrival, id)
  if redis.call('ZSCORE', p .. 'lane:' .. lane, member) then
    return 'queued', p .. 'lane:' .. lane, member, lane
  end
  member = string.format('%010x', arrival) .. id
  for _, waits in ipairs({ 'scheduled', 'retrying' }) do
    if redis.call('ZSCORE', p .. waits, member) then return waits, p .. waits, member end
  end
  for _, ended in ipairs(ENDED) do
    for _, key in ipairs({ p .. ended, p .. ended .. ':kept' }) do
      if redis.call('ZSCORE', key, id) then return ended, key, id end
    end
  end
end

-- Take a job out of where it stands.
local function take_out(p, id, where, key, member, lane, group)
  if where == 'running' then
    stop_running(p, id, group)
  elseif where == 'queued' then
    remove_ready(p, lane, member)
  else
    redis.call('ZREM', key, member)
  end
end
