-- End attempts, each if its lease is still this worker's, and publish the children of those
-- that succeeded. A job with a cancel request ends cancelled whatever is asked for.
-- KEYS: prefix, then the prefixes of the children's queues. ARGV: now, worker, four bounds,
-- number of settlements, then for each: id, fence, move, due time ('' for none), delay,
-- duration, result or inside of an attempt's JSON object, keep (1 or 0), number of children,
-- then 8 for each child (see publish.lua).
-- Reply: now, then for each: verdict, state ('' for none), due time ('' for none).
-- O(settlements x log jobs).
-- needs: time lanes hints jobs publish

local FIELDS_OF_SETTLEMENT = 9
local COUNTED = { failed = 'x', timed_out = 'o' }

local p, worker = KEYS[1], ARGV[2]
local bounds = { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }
local clock = time(ARGV[1])
local now = instant(p, clock)
local reply, ready, hints = { int(now) }, {}, {}

local function read_settlements()
  local found, at = {}, 8
  for i = 1, tonumber(ARGV[7]) do
    local children = tonumber(ARGV[at + 8])
    found[i] = {
      id = ARGV[at], token = worker .. ':' .. ARGV[at + 1], move = ARGV[at + 2],
      at = ARGV[at + 3], delay = tonumber(ARGV[at + 4]), duration = tonumber(ARGV[at + 5]),
      blob = ARGV[at + 6], keep = ARGV[at + 7] == '1',
      children = children, first_child = at + FIELDS_OF_SETTLEMENT,
    }
    at = at + FIELDS_OF_SETTLEMENT + children * 8
  end
  return found
end

local function answer(i, verdict, state, due)
  reply[3 * i - 1], reply[3 * i], reply[3 * i + 1] = verdict, state or '', due or ''
end

local function answer_unheld(i, settlement, token)
  local body = redis.call('HGET', p .. 'bodies', settlement.id)
  if not body then return answer(i, 'gone') end
  if token ~= settlement.token .. '!' then return answer(i, 'lost') end
  local where = locate(p, settlement.id, body) -- the copy of a request that was carried out
  if where == 'succeeded' or where == 'dead' or where == 'cancelled' then
    return answer(i, 'ok', where)
  end
  local _, _, due = header(body)
  answer(i, 'ok', where, redis.call('HGET', p .. 'job:' .. settlement.id, 'd') or int(due))
end

-- Free the leases first: this needs no memory, so that work can end while Redis is full.
local function free_leases(held)
  local ids, groups = {}, {}
  for _, settlement in ipairs(held) do
    ids[#ids + 1] = settlement.id
    local members = groups[settlement.state.g] or {}
    groups[settlement.state.g] = members
    members[#members + 1] = settlement.id
  end
  call_in_chunks('ZREM', p .. 'running', ids)
  for group, members in pairs(groups) do
    call_in_chunks('SREM', p .. 'active:' .. group, members)
  end
end

local function finish(settlement, state)
  add_ended(p, state, settlement.id, now, settlement.state.R)
  answer(settlement.index, 'ok', state)
end

local function wait_again(settlement, waits_as, due, state)
  local type, priority, first_due, arrival = header(redis.call('HGET', p .. 'bodies', settlement.id))
  due = due or tonumber(state.d or first_due)
  if put_back(p, ready, waits_as, now, settlement.id, type, priority, due, arrival, state.l) then
    hints[type] = true
  end
  answer(settlement.index, 'ok', due <= now and 'queued' or waits_as, int(due))
end

local function end_badly(settlement, key, state)
  note(p, settlement.id, state, now, settlement.blob)
  local outcome = string.match(settlement.blob, '^"outcome":"([^"]*)"')
  local counter = COUNTED[outcome]
  if counter then redis.call('HINCRBY', key, counter, 1) end
  if settlement.move == 'retry' then
    local due = now + settlement.delay
    if settlement.at ~= '' then due = tonumber(settlement.at) end
    redis.call('HSET', key, 'd', int(due))
    wait_again(settlement, 'retrying', due, state)
  elseif settlement.move == 'snooze' then
    local due = now + settlement.delay
    redis.call('HSET', key, 'd', int(due))
    wait_again(settlement, 'scheduled', due, state)
  elseif settlement.move == 'bury' and not settlement.keep then
    drop(p, { settlement.id })
    answer(settlement.index, 'ok')
  else
    redis.call('HSET', key, 'e', int(now))
    finish(settlement, settlement.move == 'bury' and 'dead' or 'cancelled')
  end
end

local function carry_out(settlement)
  local key, state = p .. 'job:' .. settlement.id, settlement.state
  local changes = { 'k', settlement.token .. '!' }
  if settlement.move ~= 'release' then
    changes[3], changes[4] = 'u', settlement.duration
    if not state.s then
      state.s = int(now - settlement.duration)
      changes[5], changes[6], changes[7], changes[8] = 's', state.s, 'n', int((state.n or 0) + 1)
    end
  end
  local ends = settlement.move == 'succeed' or state.c
  if ends then
    changes[#changes + 1], changes[#changes + 2] = 'e', int(now)
    if settlement.move == 'succeed' and settlement.blob ~= '' and not state.c then
      changes[#changes + 1], changes[#changes + 2] = 'r', settlement.blob
    end
  end
  redis.call('HSET', key, unpack(changes))
  if ends and not state.c then return finish(settlement, 'succeeded') end
  local before = read_state(p, settlement.id, 'v', 'x', 'o', 'l', 'd', 'A')
  before.k, before.s = settlement.token, state.s
  if state.c then
    if state.s then note(p, settlement.id, before, now, CANCELLED) end
    finish(settlement, 'cancelled')
  elseif settlement.move == 'release' then
    wait_again(settlement, 'scheduled', nil, before)
  else
    end_badly(settlement, key, before)
  end
end

local held = {}
for i, settlement in ipairs(read_settlements()) do
  settlement.index = i
  settlement.state = read_state(p, settlement.id, 'k', 'c', 'g', 's', 'n', 'R')
  if settlement.state.k == settlement.token then
    held[#held + 1] = settlement
  else
    answer_unheld(i, settlement, settlement.state.k)
  end
end
free_leases(held)
for _, settlement in ipairs(held) do carry_out(settlement) end
flush_ready(p, ready)
for type in pairs(hints) do hint(p, type) end
for _, settlement in ipairs(held) do
  if settlement.children > 0 and reply[3 * settlement.index] == 'succeeded' then
    publish(clock, settlement.first_child, settlement.children)
  end
end
trim(p, now, bounds, tonumber(ARGV[7]))
return reply
