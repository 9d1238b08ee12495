-- Jobs. Four hashes by id: `bodies` has what never changes, "type priority due arrival enqueued"
-- and a tail that only clients read (and `replace` of a unique job writes anew). `states`, there once something has changed, has lines of
-- one letter and a value:
--   k token "worker:fence" of the last claim; K once that is settled; neither once it is lost
--   w token that was lost               d due time   p priority   R retention
--   q unique key that it holds, Q once it let go of it (see ties.lua)
--   v what the last claim knew: "flags group version", flags of the lane, version as JSON
--   s started at      n starts, if more than that one     x failures  o timeouts
--   l losses that count; there once the job was lost, and so a suspect
--   e finished at     u duration        c cancel requested at        t timed out at
--   g last check-in: "instant text"
-- `attempts` has JSON objects, one a line; `results` what handlers returned. So a batch of jobs
-- costs one call for each hash. Which set holds the id is the state a job is in; there is no
-- second field to disagree with it.

local MAX_LOSSES = 3
local ATTEMPTS_KEPT = 10
local TRIMMED_AT_LEAST = 10
local ENDED = { 'succeeded', 'dead', 'cancelled' }
local LOST = '"outcome":"lost","error_type":"JobLost",'
  .. '"message":"its worker died, or lost the lease, while the job ran","traceback":""'
local CANCELLED = '"outcome":"cancelled","error_type":"",'
  .. '"message":"cancelled while it ran","traceback":""'

local function token_worker(token)
  return string.match(token, '^(.*):%d+$')
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

-- What a job's place is made of: what its state says, else what its body does.
local function rank(body, state)
  local type, priority, due, arrival = header(body)
  return type, tonumber(state.p or priority), tonumber(state.d or due), arrival
end

-- Read a state's text into a table; of a job without one, an empty table.
local function parse_state(text)
  local state = {}
  if text then
    for name, value in string.gmatch(text, '(%a)([^\n]*)') do state[name] = value end
  end
  return state
end

-- The token of a lease comes first and what its claim knew second, so that a settlement finds
-- them at once.
local function state_text(state)
  local lines = {}
  if state.k then lines = { 'k' .. state.k, 'v' .. state.v } end
  for name, value in pairs(state) do
    if not (state.k and (name == 'k' or name == 'v')) then lines[#lines + 1] = name .. value end
  end
  return table.concat(lines, '\n')
end

-- Read one value off a state's text without taking it apart.
local function state_value(text, name)
  return string.match('\n' .. text, '\n' .. name .. '([^\n]*)')
end

local function read_state(p, id)
  return parse_state(redis.call('HGET', p .. 'states', id))
end

local function write_state(p, id, state)
  redis.call('HSET', p .. 'states', id, state_text(state))
end

-- Note in a state that a run has begun; `n` is needed from the second start on.
local function note_start(state, started)
  local starts = tonumber(state.n or (state.s and 1) or 0) + 1
  state.s = int(started)
  state.n = starts > 1 and int(starts) or nil
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
  for _, hash in ipairs({ 'bodies', 'states', 'attempts', 'results' }) do
    call_in_chunks('HDEL', p .. hash, ids)
  end
end

-- Put an id into its final set: by the instant of its end, or, kept by age, by its expiry.
local function add_ended(p, where, id, now, retention)
  if retention then
    redis.call('ZADD', p .. where .. ':kept', now + tonumber(retention), id)
  else
    redis.call('ZADD', p .. where, now, id)
  end
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

-- Drop a bounded number of ended jobs past their retention. `bounds`: ages and counts of
-- finished, then of dead jobs.
local function trim(p, now, bounds, ended)
  local budget = TRIMMED_AT_LEAST + 2 * ended
  for _, where in ipairs(ENDED) do
    local first = where == 'dead' and 3 or 1
    local age, most = tonumber(bounds[first]), tonumber(bounds[first + 1])
    local by_age = redis.call('ZCOUNT', p .. where, '-inf', now - age)
    local excess = math.min(budget, math.max(by_age, redis.call('ZCARD', p .. where) - most))
    if excess > 0 then
      local ids = redis.call('ZRANGE', p .. where, 0, excess - 1)
      redis.call('ZREMRANGEBYRANK', p .. where, 0, excess - 1)
      drop(p, ids)
    end
    local kept = p .. where .. ':kept'
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

-- Where a job stands: its state, the key that holds it, its member there, and its lane, or its
-- group if it runs.
local function locate(p, id, body)
  local state = read_state(p, id)
  local type, _, due, arrival = rank(body, state)
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

-- Everything that clients read of jobs: for each id {id, body, state, attempts, result}; '' for
-- what there is not.
local function read_jobs(p, ids)
  local found = {}
  for i, id in ipairs(ids) do
    found[i] = { id }
    for _, hash in ipairs({ 'bodies', 'states', 'attempts', 'results' }) do
      found[i][#found[i] + 1] = redis.call('HGET', p .. hash, id) or ''
    end
  end
  return found
end
