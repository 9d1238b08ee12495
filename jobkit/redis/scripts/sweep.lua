-- Act on a batch of ended jobs of one state, oldest first, unless this is the copy of an earlier
-- sweep.
-- KEYS: prefix. ARGV: now, state, action, channel, request, until ('' for now), how many of the
-- newest to leave, 1 to look at those with a retention of their own too, place to go on behind:
-- line ('' for the start), score, member; then the types (none: all).
-- Reply: now, number of jobs acted on, and the place to go on behind (without: that was all).
-- O(SWEPT x log jobs + LOOKED_AT).
-- needs: jobs ties hints anew places

local SWEPT, LOOKED_AT = 500, 1000
local REPLAY_WINDOW = 60000
local REPLAY_SECONDS = 600 -- rubbish collection only

local p, state_name, action = KEYS[1], ARGV[2], ARGV[3]
local clock = time(ARGV[1])
local now = instant(p, clock)
local until_, keep, with_retention = tonumber(ARGV[6]) or now, tonumber(ARGV[7]), ARGV[8] == '1'
local types
for i = 12, #ARGV do
  types = types or {}
  types[ARGV[i]] = true
end

local note_key = p .. 'sweep:' .. ARGV[4]
local earlier = redis.call('GET', note_key)
if earlier then
  local request, at, done, line, score, member =
    string.match(earlier, '^(%d+) (%d+) (%d+) ?(%S*) ?(%S*) ?(%S*)$')
  if tonumber(ARGV[5]) <= tonumber(request) and clock - tonumber(at) <= REPLAY_WINDOW then
    if line == '' then return { int(now), tonumber(done) } end
    return { int(now), tonumber(done), line, score, member }
  end
end

local done, looked, ready, hints, succeeded = 0, 0, {}, {}, {}

local function remove_ended(set, members)
  call_in_chunks('ZREM', p .. set, members)
  for _, member in ipairs(members) do
    local id, type = string.sub(member, 1, ID), string.sub(member, ID + 1)
    if set == 'succeeded' then
      succeeded[type] = (succeeded[type] or 0) - 1
    else
      remove_typed(p, set, type, id)
    end
  end
end

local function retry(set, member, id, type, state)
  if state.z or key_taken_from(p, state, now) then return end
  remove_ended(set, { member })
  state = forget_runs(p, id, state)
  state.d = int(now)
  tie_again(p, id, state, now, now)
  write_state(p, id, state)
  local _, priority, due, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
  if put_back(p, ready, 'scheduled', now, id, type, priority, due, arrival, nil) then
    hints[type] = true
  end
  return true
end

-- A body ends with options, metadata and payload; the sizes of the first two are in its header.
local function empty(id, state)
  if state.z then return end
  local body = redis.call('HGET', p .. 'bodies', id)
  local head, options, metadata = string.match(body, '^([^\n]* (%d+) (%d+)\n)')
  redis.call('HSET', p .. 'bodies', id, string.sub(body, 1, #head + options + metadata))
  state.z = '1'
  write_state(p, id, state)
  return true
end

local function act(set, member, id, type, state)
  if action == 'retry' then return retry(set, member, id, type, state) end
  if action == 'empty' then return empty(id, state) end
  remove_ended(set, { member })
  drop(p, { id })
  return true
end

-- Sweep one set from a rank on; return the place to go on behind, nil at its end.
local function sweep(set, from)
  local last = set == state_name and redis.call('ZCARD', p .. set) - keep - 1 or -1
  if last >= 0 then last = math.min(last, from + LOOKED_AT - looked - 1)
  elseif set == state_name then return nil
  else last = from + LOOKED_AT - looked - 1 end
  local found = redis.call('ZRANGE', p .. set, from, last, 'WITHSCORES')
  for i = 1, #found, 2 do
    local member, score = found[i], tonumber(found[i + 1])
    if set == state_name and score > until_ then return nil end
    local id, type = string.sub(member, 1, ID), string.sub(member, ID + 1)
    looked = looked + 1
    if not types or types[type] then
      local state = read_state(p, id)
      if tonumber(state.e or 0) <= until_ and act(set, member, id, type, state) then
        done = done + 1
      end
    end
    if done >= SWEPT or looked >= LOOKED_AT then return { set, int(score), member } end
  end
end

local function rank_in(set)
  if ARGV[9] ~= set then return 0 end
  return count_before(p .. set, tonumber(ARGV[10]), ARGV[11], true)
end

-- A write that needs no memory comes first, so that a full Redis still gets rid of jobs.
if action ~= 'retry' then redis.call('ZREM', p .. 'workers', '') end
redis.call('SET', note_key, ARGV[5] .. ' ' .. int(clock) .. ' 0', 'EX', REPLAY_SECONDS)
local kept, place = state_name .. ':kept', nil
if ARGV[9] ~= kept then place = sweep(state_name, rank_in(state_name)) end
if not place and with_retention then place = sweep(kept, rank_in(kept)) end
tally_succeeded(p, succeeded)
flush_ready(p, ready)
for type in pairs(hints) do hint(p, type) end

local words = { ARGV[5], int(clock), int(done) }
local reply = { int(now), done }
for i = 1, place and 3 or 0 do
  words[3 + i], reply[2 + i] = place[i], place[i]
end
redis.call('SET', note_key, table.concat(words, ' '), 'EX', REPLAY_SECONDS)
return reply
