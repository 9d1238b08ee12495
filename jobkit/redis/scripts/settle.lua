-- End attempts, each if its lease is still this worker's, and publish the children of those
-- that succeeded. A job with a cancel request ends cancelled whatever is asked for.
-- KEYS: prefix, then the prefixes of the children's queues. ARGV: now, worker, four bounds,
-- number of settlements, then for each: id, fence, move, due time ('' for none), delay,
-- duration, "=" and the result or inside of an attempt's JSON object, keep (1 or 0), number of children,
-- then 8 for each child (see publish.lua).
-- Reply: now, then for each: verdict, state ('' for none), due time ('' for none).
-- O(settlements x log jobs).
-- needs: time lanes hints jobs publish

local FIELDS_OF_SETTLEMENT, FIELDS_OF_CHILD = 9, 8
local COUNTED = { failed = 'x', timed_out = 'o' }
-- What is read of each job, and where in the reply it stands.
local TOKEN, CANCEL, STARTED, CLAIM, RETENTION = 1, 2, 3, 4, 5

local p, worker = KEYS[1], ARGV[2]
local job_key = p .. 'job:'
local bounds = { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }
local clock = time(ARGV[1])
local now = instant(p, clock)
local now_text = int(now)
local reply, ready, hints = { now_text }, {}, {}
local succeeded, kept = {}, {}

local function answer(i, verdict, state, due)
  reply[3 * i - 1], reply[3 * i], reply[3 * i + 1] = verdict, state or '', due or ''
end

local function answer_unheld(i, id, token, found)
  local body = redis.call('HGET', p .. 'bodies', id)
  if not body then return answer(i, 'gone') end
  if found ~= token .. '!' then return answer(i, 'lost') end
  local where = locate(p, id, body) -- the copy of a request that was carried out
  if where == 'succeeded' or where == 'dead' or where == 'cancelled' then
    return answer(i, 'ok', where)
  end
  local _, _, due = header(body)
  answer(i, 'ok', where, redis.call('HGET', job_key .. id, 'd') or int(due))
end

local function succeed(i, id, token, at, found)
  local changes = { 'k', token .. '!', 'e', now_text, 'u', ARGV[at + 5] }
  if ARGV[at + 6] ~= '' then
    changes[7], changes[8] = 'r', string.sub(ARGV[at + 6], 2)
  end
  if not found[STARTED] then
    note_unreported_start(changes, job_key .. id, now - tonumber(ARGV[at + 5]))
  end
  redis.call('HSET', job_key .. id, unpack(changes))
  if found[RETENTION] then
    kept[#kept + 1], kept[#kept + 2] = now + tonumber(found[RETENTION]), id
  else
    succeeded[#succeeded + 1], succeeded[#succeeded + 2] = now_text, id
  end
  answer(i, 'ok', 'succeeded')
end

local function wait_again(i, id, waits_as, due, state)
  local type, priority, first_due, arrival = header(redis.call('HGET', p .. 'bodies', id))
  due = due or tonumber(state.d or first_due)
  if put_back(p, ready, waits_as, now, id, type, priority, due, arrival, state.l) then
    hints[type] = true
  end
  answer(i, 'ok', due <= now and 'queued' or waits_as, int(due))
end

local function end_in(i, id, state, retention)
  redis.call('HSET', job_key .. id, 'e', now_text)
  add_ended(p, state, id, now, retention)
  answer(i, 'ok', state)
end

local function wait_until(i, id, at, state)
  local move = ARGV[at + 2]
  local due = now + tonumber(ARGV[at + 4])
  if ARGV[at + 3] ~= '' then due = tonumber(ARGV[at + 3]) end
  redis.call('HSET', job_key .. id, 'd', int(due))
  wait_again(i, id, move == 'retry' and 'retrying' or 'scheduled', due, state)
end

-- Every end but success.
local function end_otherwise(i, id, token, at, found)
  local key, move = job_key .. id, ARGV[at + 2]
  local changes = { 'k', token .. '!' }
  if move ~= 'release' then
    changes[3], changes[4] = 'u', ARGV[at + 5]
    if not found[STARTED] then
      found[STARTED] = note_unreported_start(changes, key, now - tonumber(ARGV[at + 5]))
    end
  end
  redis.call('HSET', key, unpack(changes))
  local state = read_state(p, id, 'v', 'x', 'o', 'l', 'd', 'A')
  state.k, state.s = token, found[STARTED]
  if found[CANCEL] then
    if state.s then note(p, id, state, now, CANCELLED) end
    return end_in(i, id, 'cancelled', found[RETENTION])
  end
  if move == 'release' then return wait_again(i, id, 'scheduled', nil, state) end
  local failure = ARGV[at + 6]
  note(p, id, state, now, failure)
  local counter = COUNTED[string.match(failure, '^"outcome":"([^"]*)"')]
  if counter then redis.call('HINCRBY', key, counter, 1) end
  if move == 'retry' or move == 'snooze' then return wait_until(i, id, at, state) end
  if move == 'bury' and ARGV[at + 7] ~= '1' then
    drop(p, { id })
    return answer(i, 'ok')
  end
  end_in(i, id, move == 'bury' and 'dead' or 'cancelled', found[RETENTION])
end

-- First look at all: nothing is written before every lease was compared.
local count, at = tonumber(ARGV[7]), 8
local ids, tokens, places, states, leases, groups = {}, {}, {}, {}, {}, {}
local first_of, copies = {}, {} -- a settlement that stands twice in the request counts once
for i = 1, count do
  local id, token = ARGV[at], worker .. ':' .. ARGV[at + 1]
  local found = redis.call('HMGET', job_key .. id, 'k', 'c', 's', 'v', 'R')
  if found[TOKEN] == token and first_of[id] then
    copies[i] = first_of[id]
  elseif found[TOKEN] == token then
    first_of[id] = i
    ids[i], tokens[i], places[i], states[i] = id, token, at, found
    leases[#leases + 1] = id
    local group = claim_group(found[CLAIM])
    local members = groups[group]
    if members then members[#members + 1] = id else groups[group] = { id } end
  else
    answer_unheld(i, id, token, found[TOKEN])
  end
  at = at + FIELDS_OF_SETTLEMENT + tonumber(ARGV[at + 8]) * FIELDS_OF_CHILD
end

-- Then free the leases: this needs no memory, so that work can end while Redis is full.
call_in_chunks('ZREM', p .. 'running', leases)
for group, members in pairs(groups) do
  call_in_chunks('SREM', p .. 'active:' .. group, members)
end

for i = 1, count do
  local found = states[i]
  if found then
    if ARGV[places[i] + 2] == 'succeed' and not found[CANCEL] then
      succeed(i, ids[i], tokens[i], places[i], found)
    else
      end_otherwise(i, ids[i], tokens[i], places[i], found)
    end
  end
end
for i, first in pairs(copies) do
  answer(i, reply[3 * first - 1], reply[3 * first], reply[3 * first + 1])
end
call_in_chunks('ZADD', p .. 'succeeded', succeeded)
call_in_chunks('ZADD', p .. 'succeeded:kept', kept)
flush_ready(p, ready)
for type in pairs(hints) do hint(p, type) end

for i = 1, count do
  local children = places[i] and tonumber(ARGV[places[i] + 8]) or 0
  if children > 0 and reply[3 * i] == 'succeeded' then
    publish(clock, places[i] + FIELDS_OF_SETTLEMENT, children)
  end
end
trim(p, now, bounds, count)
return reply
