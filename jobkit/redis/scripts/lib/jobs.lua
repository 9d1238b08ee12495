-- Jobs. Four hashes by id: `bodies` has what never changes, "type priority due arrival enqueued"
-- and a tail that only clients read (and that `replace` of a unique job writes anew). `states`,
-- there once something has changed, has lines of one letter and a value:
--   k token "worker:fence" of the last claim; K once that is settled; neither once it is lost
--   w token that was lost               d due time   p priority   R retention
--   q unique key that it holds, Q once it let go of it (see ties.lua)
--   S the schedule whose tick it is, T once the schedule has been told of its end
--   v what the last claim knew: "flags place version", flags of the lane, version as JSON
--   z there once its payload was dropped: it cannot run again
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
local ID = 26 -- characters
local ENDED = { 'succeeded', 'dead', 'cancelled' }
local LOST = '"outcome":"lost","error_type":"JobLost",'
  .. '"message":"its worker died, or lost the lease, while the job ran","traceback":""'
local CANCELLED = '"outcome":"cancelled","error_type":"",'
  .. '"message":"cancelled while it ran","traceback":""'

local function token_worker(token)
  return string.match(token, '^(.*):%d+$')
end

-- What a claim writes into `v`, and what is read off it. The place of a running job is its
-- group, or "group/type" if it is stored under another name of that.
local function claim_text(flags, place, version)
  return flags .. ' ' .. place .. ' ' .. version
end

local function claim_place(text)
  return string.match(text, '^%d* (%S+)')
end

local function place_type(place)
  return string.match(place, '/(.*)$') or place
end

local function place_group(place)
  return string.match(place, '^[^/]*')
end

local function claim_flags(text)
  return string.sub(text, 1, 1) == '1', string.sub(text, 2, 2) == '1'
end

local function claim_is_limited(text)
  return string.sub(text, 3, 3) == '1'
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
    collect_ready(ready, lane_name(type, suspect), lane_place(p, priority, due, arrival, id))
    return true
  end
  local member = string.format('%010x', arrival) .. id
  redis.call('ZADD', p .. waits_as, due, member)
  collect_typed(ready, waits_as, type, due, member)
  return redis.call('ZRANGE', p .. waits_as, 0, 0)[1] == member
end

local function drop(p, ids)
  call_in_chunks('HDEL', p .. 'bodies', ids)
  call_in_chunks('HDEL', p .. 'states', ids)
  if redis.call('EXISTS', p .. 'attempts', p .. 'results') == 0 then return end
  call_in_chunks('HDEL', p .. 'attempts', ids)
  call_in_chunks('HDEL', p .. 'results', ids)
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

-- Drop the first jobs of a final set. Those of `succeeded` are taken off `succeeded`, by type.
local function drop_first(p, set, count, succeeded)
  local members = redis.call('ZRANGE', p .. set, 0, count - 1)
  redis.call('ZREMRANGEBYRANK', p .. set, 0, count - 1)
  local ids, counts = {}, {}
  for i, member in ipairs(members) do
    ids[i] = string.sub(member, 1, ID)
    local type = string.sub(member, ID + 1)
    counts[type] = (counts[type] or 0) + 1
  end
  if set == 'succeeded' then
    for type, gone in pairs(counts) do succeeded[type] = (succeeded[type] or 0) - gone end
  else
    cut_typed(p, set, counts)
  end
  drop(p, ids)
end

-- Drop a bounded number of ended jobs past their retention. `bounds`: ages and counts of
-- finished, then of dead jobs. `succeeded`: how many of each type came to that set just now.
local function trim(p, now, bounds, ended, succeeded)
  local budget = TRIMMED_AT_LEAST + 2 * ended
  succeeded = succeeded or {}
  local is_plain = redis.call('EXISTS', p .. 'dead', p .. 'cancelled', p .. 'succeeded:kept',
    p .. 'dead:kept', p .. 'cancelled:kept') == 0
  for _, where in ipairs(is_plain and { 'succeeded' } or ENDED) do
    local first = where == 'dead' and 3 or 1
    local age, most = tonumber(bounds[first]), tonumber(bounds[first + 1])
    local by_age = redis.call('ZCOUNT', p .. where, '-inf', now - age)
    local excess = math.min(budget, math.max(by_age, redis.call('ZCARD', p .. where) - most))
    if excess > 0 then drop_first(p, where, excess, succeeded) end
    local expired = is_plain and 0 or redis.call('ZCOUNT', p .. where .. ':kept', '-inf', now)
    if expired > 0 then drop_first(p, where .. ':kept', math.min(budget, expired)) end
  end
  tally(p, succeeded)
end

-- `active:<place>`: the ids that run there, each with score 0; a group has those of all its
-- names, another name of it only its own. `types:running` names the places.
local function leave_places(p, ids_by_place)
  local places, keys = {}, {}
  local function leave(place, ids)
    call_in_chunks('ZREM', p .. 'active:' .. place, ids)
    places[#places + 1], keys[#keys + 1] = place, p .. 'active:' .. place
  end
  for place, ids in pairs(ids_by_place) do
    leave(place, ids)
    local group = string.match(place, '^(.*)/')
    if group then leave(group, ids) end
  end
  if #keys == 0 or redis.call('EXISTS', unpack(keys)) == #keys then return end
  for _, place in ipairs(places) do forget_if_empty(p, 'active:' .. place, 'running', place) end
end

local function stop_running(p, id, place)
  redis.call('ZREM', p .. 'running', id)
  leave_places(p, { [place] = { id } })
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
      tally(p, { [type] = -1 })
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
