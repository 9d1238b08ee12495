-- Jobs. Four hashes by id: `bodies` has what never changes, "type priority due arrival enqueued"
-- (that is '=' of a job that was due when it came) and a tail that only clients read (and that `replace` of a unique job writes anew). `states`,
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
-- needs: time chunks

local function token_worker(token)
  return string.match(token, '^(.*):%d+$')
end

-- What is read off `v`, which a claim has written: "flags place version".
local function claim_place(text)
  return string.match(text, '^%d* (%S+)')
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
