-- End attempts, each if its lease is still this worker's, and publish the children of those
-- that succeeded. A job with a cancel request ends cancelled whatever is asked for.
-- KEYS: prefix, then the prefixes of the children's queues. ARGV: now, worker, four bounds, for
-- each settlement a line "id fence move duration children words due-time delay keep" (as far as
-- the move needs it); then for each what it has beside its line: if `words` is 1 the result or
-- the inside of an attempt's JSON object, then 8 for each child (see publish.lua; those for other
-- slots come last, see outbox.lua).
-- Reply: now, then for each that did not plainly succeed its number and a line "verdict state
-- due-time" (as far as there is one).
-- O(settlements x log jobs).
-- needs: time lanes hints jobs schedules ties counting publish outbox

local COUNTED = { failed = 'x', timed_out = 'o' }
local LETTERS = { failed = 'f', dead = 'f', timed_out = 't', cancelled = 'c', discarded = 'c' }
local DURATIONS = {
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
  100000, 200000, 500000, 1000000, 2000000, 3600000,
}

local p, worker = KEYS[1], ARGV[2]
local bounds = { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }
local clock = time(ARGV[1])
local now = instant(p, clock)
local now_text = int(now)
local ready, hints, loose = {}, {}, no_ties()
local answers = {} -- by number; none: it succeeded
local succeeded, kept, states, results = {}, {}, {}, {} -- each written by one call at the end
local counts, by_type = {}, {} -- what is tallied; how many of each type succeeded
local kinds, tokens = {}, {} -- of each held job: what its state says (see `kind_of`), its token

-- Count an attempt that ended and was heard of.
local function tally_end(i, duration)
  local took = kinds[i].took
  took[duration] = (took[duration] or 0) + 1
end

-- Count attempts by duration, once for all jobs of a place that took as long.
local function tally_durations(group, took)
  for duration, number in pairs(took) do
    local bucket, length = 1, tonumber(duration)
    while DURATIONS[bucket] and length > DURATIONS[bucket] do bucket = bucket + 1 end
    tally(counts, group, string.char(64 + bucket), number)
    tally(counts, group, 'u', number * length)
  end
end

local function answer(i, verdict, state, due)
  answers[i] = due and verdict .. ' ' .. state .. ' ' .. due or state and verdict .. ' ' .. state
    or verdict
end

local function answer_unheld(i, id, token, text)
  local body = redis.call('HGET', p .. 'bodies', id)
  if not body then return answer(i, 'gone') end
  local state = parse_state(text)
  if state.K ~= token then return answer(i, 'lost') end
  local where = locate(p, id, body) -- the copy of a request that was carried out
  if where == 'succeeded' or where == 'dead' or where == 'cancelled' then
    return answer(i, 'ok', where)
  end
  local _, _, due = rank(body, state)
  answer(i, 'ok', where, int(due))
end

-- What states say behind the token of their claim. Most of a batch say the same: that is looked at
-- once. `place`, `type`, `group` of the jobs; `is_plain`: they ran for the first time, have no ties,
-- and nobody asked to cancel them; `took`: how many by duration; `ends`: by duration, what the
-- state of a plain success says.
local known = {}
local function kind_of(text)
  local kind = known[text]
  if not kind then
    local flags, place = string.match(text, '^v(%d*) (%S+)')
    kind = {
      text = text, place = place, type = place_type(place), group = place_group(place),
      is_limited = claim_is_limited(flags), is_plain = not string.find(text, '\n[cnqS]'),
      took = {}, ends = {}, retention = state_value(text, 'R'),
    }
    known[text] = kind
  end
  return kind
end

local function plain_end(kind, duration)
  local text = kind.ends[duration]
  if not text then
    text = '\n' .. kind.text
    if not string.find(text, '\ns', 1, true) then
      text = text .. '\ns' .. int(now - tonumber(duration))
    end
    text = text .. '\ne' .. now_text .. '\nu' .. duration
    kind.ends[duration] = text
  end
  return text
end

-- The state of any other success.
local function other_end(id, duration, text)
  local state = parse_state(text)
  if not state.s then note_start(state, now - tonumber(duration)) end
  untie_for_good(loose, id, state, 'succeeded')
  state.K, state.k = state.k, nil
  state.e, state.u = now_text, duration
  return state_text(state)
end

local function succeed(i, id, duration, result, text)
  local kind = kinds[i]
  local state = kind.is_plain and 'K' .. tokens[i] .. plain_end(kind, duration)
    or other_end(id, duration, text)
  tally_end(i, duration)
  states[#states + 1], states[#states + 2] = id, state
  if result then results[#results + 1], results[#results + 2] = id, '=' .. result end
  local type = kind.type
  if kind.retention then
    local expiry = now + tonumber(kind.retention)
    kept[#kept + 1], kept[#kept + 2] = expiry, id .. type
    collect_typed(ready, 'succeeded:kept', type, expiry, id)
  else
    succeeded[#succeeded + 1], succeeded[#succeeded + 2] = now_text, id .. type
    by_type[type] = (by_type[type] or 0) + 1
  end
end

-- `waits_as` nil: the job was due when it was claimed and is ready again, also if the clock has
-- been set back since.
local function wait_again(i, id, waits_as, state)
  local type, priority, due, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
  local at = waits_as and now or due
  write_state(p, id, state)
  if put_back(p, ready, waits_as, at, id, type, priority, due, arrival, state.l) then
    hints[type] = true
  end
  answer(i, 'ok', due <= at and 'queued' or waits_as, int(due))
end

local function end_in(i, id, where, state)
  untie_for_good(loose, id, state, where)
  state.e = now_text
  write_state(p, id, state)
  add_ended(p, ready, where, id, kinds[i].type, now, state.R)
  answer(i, 'ok', where)
end

-- Count an attempt by the letter of its outcome; one that snoozed has none.
local function tally_otherwise(i, move, duration, letter)
  if letter then
    tally_end(i, duration)
    tally(counts, kinds[i].group, letter, 1)
    if move == 'retry' then tally(counts, kinds[i].group, 'r', 1) end
  end
  if move == 'bury' then tally(counts, kinds[i].group, 'd', 1) end
end

-- Every end but success.
local function end_otherwise(i, id, move, duration, rest, failure, text)
  local at, delay, keep = string.match(rest, '^ ?(%S*) ?(%S*) ?(%S*)$')
  local state = parse_state(text)
  state.K, state.k = state.k, nil
  if move ~= 'release' then
    state.u = duration
    if not state.s then note_start(state, now - tonumber(state.u)) end
  end
  if state.c then
    if state.s then
      note(p, id, state, now, CANCELLED)
      tally_end(i, move == 'release' and int(math.max(0, now - tonumber(state.s))) or duration)
      tally(counts, kinds[i].group, 'c', 1)
    end
    return end_in(i, id, 'cancelled', state)
  end
  if move == 'release' then return wait_again(i, id, nil, state) end
  note(p, id, state, now, failure)
  local outcome = string.match(failure, '^"outcome":"([^"]*)"')
  tally_otherwise(i, move, duration, LETTERS[outcome])
  local counter = COUNTED[outcome]
  if counter then state[counter] = int((state[counter] or 0) + 1) end
  if counter == 'o' and not state.t then state.t = now_text end -- it ended before it was marked
  if move == 'retry' or move == 'snooze' then
    state.d = at ~= '-' and at or int(now + tonumber(delay))
    return wait_again(i, id, move == 'retry' and 'retrying' or 'scheduled', state)
  end
  if move == 'bury' and keep ~= '1' then
    untie_for_good(loose, id, state, 'dead')
    drop(p, { id })
    return answer(i, 'ok')
  end
  end_in(i, id, move == 'bury' and 'dead' or 'cancelled', state)
end

-- First look at all: nothing is written before every lease was compared.
for i = 2, #KEYS do check_kinds(KEYS[i]) end
local LINE = '(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)([^\n]*)'
local count, at = 0, 8
local ids, fences, moves, durations, rests, words, children = {}, {}, {}, {}, {}, {}, {}
for id, fence, move, duration, number, has_word, rest in string.gmatch(ARGV[7], LINE) do
  count = count + 1
  ids[count], fences[count], moves[count], durations[count] = id, fence, move, duration
  if has_word == '1' then
    words[count], at = ARGV[at], at + 1
  end
  if move ~= 'succeed' then
    rests[count] = rest
  elseif number ~= '0' then
    children[count] = { at, tonumber(number) }
    at = at + tonumber(number) * FIELDS
  end
end
local texts = read_in_chunks(p .. 'states', ids)
local held, leases, members, copies, freed = {}, {}, {}, {}, {}
local holder = worker .. ':'
for i = 1, count do
  local id, token, text = ids[i], holder .. fences[i], texts[i]
  if not text or string.find(text, 'k' .. token .. '\n', 1, true) ~= 1 then
    answer_unheld(i, id, token, text)
  elseif held[id] then
    copies[i] = held[id] -- a settlement that stands twice in the request counts once
  else
    held[id] = i
    leases[#leases + 1] = id
    local kind = kind_of(string.sub(text, #token + 3)) -- behind "k" and the line's end
    kinds[i], tokens[i] = kind, token
    local there = members[kind.place]
    if there then
      there[#there + 1] = id
    else
      members[kind.place] = { id }
    end
    if kind.is_limited then freed[kind.group] = true end
  end
end

-- Then free the leases: this needs no memory, so that work can end while Redis is full.
call_in_chunks('ZREM', p .. 'running', leases)
leave_places(p, members)

for _, id in ipairs(leases) do
  local i = held[id]
  if moves[i] == 'succeed' and not string.find(texts[i], '\nc', 1, true) then
    succeed(i, id, durations[i], words[i], texts[i])
  else
    end_otherwise(i, id, moves[i], durations[i], rests[i] or '', words[i], texts[i])
  end
end
for i, first in pairs(copies) do
  answers[i] = answers[first]
end
call_in_chunks('ZADD', p .. 'succeeded', succeeded)
call_in_chunks('ZADD', p .. 'succeeded:kept', kept)
call_in_chunks('HSET', p .. 'states', states)
call_in_chunks('HSET', p .. 'results', results)
for _, kind in pairs(known) do tally_durations(kind.group, kind.took) end
write_counts(p, now, counts)
flush_loose(p, loose, now)
flush_ready(p, ready)
for type in pairs(hints) do hint(p, type) end
for group in pairs(freed) do hint_freed(p, worker, group, true) end

for _, id in ipairs(leases) do
  local i = held[id]
  if children[i] and not answers[i] then
    local first, number = children[i][1], children[i][2]
    local here = count_here(first, number)
    begin_delays(now, first, number)
    publish(clock, first, here, plan_keys(clock, first, here))
    leave_for_others(p, now, first + here * FIELDS, number - here)
  end
end
trim(p, now, bounds, count, by_type)
local reply = { now_text }
for i, line in pairs(answers) do
  reply[#reply + 1], reply[#reply + 2] = i, line
end
return reply
