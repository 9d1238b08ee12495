-- End attempts, each if its lease is still this worker's, and publish the children of those
-- that succeeded. A job with a cancel request ends cancelled whatever is asked for.
-- KEYS: prefix, then the prefixes of the children's queues. ARGV: now, worker, four bounds, for
-- each settlement a line "id fence duration", and unless it plainly succeeded also "move children
-- words due-time delay keep" (as far as the move needs it); then for each what it has beside its
-- line: if `words` is 1 the result or the inside of an attempt's JSON object; then its children in
-- as many arguments as `children` says (see publish.lua), and, behind that in the line, the number
-- of those for other slots (see outbox.lua).
-- Reply: now, then for each that did not plainly succeed its number and a line "verdict state
-- due-time" (as far as there is one).
-- O(settlements x log jobs).
-- needs: counting ended

local DURATIONS = {
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
  100000, 200000, 500000, 1000000, 2000000, 3600000,
}
local AWAY = 3 -- arguments of a child for another slot

local p, worker = KEYS[1], ARGV[2]
local clock = time(ARGV[1])
local now = instant(p, clock)
local now_text = int(now)
local holder = 'k' .. worker .. ':'

-- First look at all: nothing is written before every lease was compared.
if #KEYS > 1 then
  -- needs: kinds
  for i = 2, #KEYS do check_kinds(KEYS[i]) end
end
local count, at = 0, 8
local ids, fences, durations = {}, {}, {}
local moves, rests, words, children = {}, {}, {}, {} -- of those that did not plainly succeed
for id, fence, duration, rest in string.gmatch(ARGV[7], '(%S+) (%S+) (%S+)([^\n]*)') do
  count = count + 1
  ids[count], fences[count], durations[count] = id, fence, duration
  if rest ~= '' then
    local move, number, has_word, times = string.match(rest, '^ (%S+) (%S+) (%S+)(.*)$')
    if has_word == '1' then
      words[count], at = ARGV[at], at + 1
    end
    if move ~= 'succeed' then
      moves[count], rests[count] = move, times
    elseif number ~= '0' then
      local away = tonumber(times) or 0
      children[count] = { from = at, stop = at + number - AWAY * away, away = away }
      at = at + number
    end
  end
end

-- What states say, which most of a batch have in common. `fence`: of the lease, if it is this
-- worker's; `is_plain`: they ran for the first time, have no ties and no retention, and nobody
-- asked to cancel them; `took`: how many by duration; `ends`: by duration, what the state of a
-- plain success says.
local kinds = {}
local function read_kind(text)
  if string.sub(text, 1, #holder) ~= holder then return { fence = '' } end
  local fence, claimed, flags, place = string.match(text, '^(%d+)(\nv(%d*) (%S+).*)$', #holder + 1)
  if not fence then return { fence = '' } end
  local group, type = string.match(place, '^(.*)/(.*)$')
  return {
    fence = fence, claimed = claimed, is_started = string.find(claimed, '\ns', 1, true),
    is_plain = not string.find(claimed, '\n[cnqRS]'), is_limited = string.sub(flags, 3) == '1',
    place = place .. ' ', type = type ~= '' and type or group, group = group, took = {}, ends = {},
  }
end

local function plain_end(kind, duration)
  local text = 'K' .. worker .. ':' .. kind.fence .. kind.claimed
  if not kind.is_started then text = text .. '\ns' .. int(now - duration) end
  text = text .. '\ne' .. now_text .. '\nu' .. duration
  kind.ends[duration] = text
  return text
end

local texts = read_in_chunks(p .. 'states', ids)
local held, leases, members, kind_of, freed = {}, {}, {}, {}, nil
local succeeded, states, results = {}, {}, {} -- of plain successes
local others, unheld, copies = {}, {}, {} -- by number
for i = 1, count do
  local id, text, duration = ids[i], texts[i], durations[i]
  local kind = text and kinds[text]
  if text and not kind then
    kind = read_kind(text)
    kinds[text] = kind
  end
  if not kind or kind.fence ~= fences[i] then
    unheld[#unheld + 1] = i
  elseif held[id] then
    copies[i] = held[id] -- a settlement that stands twice in the request counts once
  else
    held[id], kind_of[i] = i, kind
    leases[#leases + 1], members[#members + 1] = id, kind.place .. id
    if kind.is_limited then
      freed = freed or {}
      freed[kind.group] = true
    end
    if kind.is_plain and not moves[i] then
      local n = #states
      states[n + 1], states[n + 2] = id, kind.ends[duration] or plain_end(kind, duration)
      succeeded[n + 1], succeeded[n + 2] = now_text, id .. kind.type
      kind.took[duration] = (kind.took[duration] or 0) + 1
      kind.succeeded = (kind.succeeded or 0) + 1
      if words[i] then results[#results + 1], results[#results + 2] = id, '=' .. words[i] end
    else
      others[#others + 1] = i
    end
  end
end

local counts, by_type, answers = {}, {}, {}

-- Count attempts by duration, once for all jobs of a kind that took as long.
local function tally_durations()
  for _, kind in pairs(kinds) do
    if kind.succeeded then by_type[kind.type] = (by_type[kind.type] or 0) + kind.succeeded end
    for duration, number in pairs(kind.took or {}) do
      local bucket, length = 1, tonumber(duration)
      while DURATIONS[bucket] and length > DURATIONS[bucket] do bucket = bucket + 1 end
      tally(counts, kind.group, string.char(64 + bucket), number)
      tally(counts, kind.group, 'u', number * length)
    end
  end
end

if #unheld > 0 then
  -- needs: jobs
  -- What becomes of a settlement whose lease is not held: `ok` to the copy of a request.
  local function answer_unheld(i)
    local id, body = ids[i], redis.call('HGET', p .. 'bodies', ids[i])
    if not body then return 'gone' end
    local state = parse_state(texts[i])
    if state.K ~= worker .. ':' .. fences[i] then return 'lost' end
    local where = locate(p, id, body)
    if where == 'succeeded' or where == 'dead' or where == 'cancelled' then return 'ok ' .. where end
    local _, _, due = rank(body, state)
    return 'ok ' .. where .. ' ' .. int(due)
  end
  for _, i in ipairs(unheld) do answers[i] = answer_unheld(i) end
end

-- Free the leases first: this needs no memory, so that work can end while Redis is full.
call_in_chunks('ZREM', p .. 'running', leases)
call_in_chunks('ZREM', p .. 'active', members)
call_in_chunks('ZADD', p .. 'succeeded', succeeded)
call_in_chunks('HSET', p .. 'states', states)
call_in_chunks('HSET', p .. 'results', results)
if #others > 0 then
  -- needs: ending
  for _, i in ipairs(others) do end_attempt(i) end
  flush_ends()
end
tally_durations()
write_counts(p, now, counts)
if freed then
  -- needs: hints
  for group in pairs(freed) do hint_freed(p, worker, group, true) end
end
for i, first in pairs(copies) do
  answers[i] = answers[first]
end
if next(children) then
  -- needs: publish outbox
  for _, id in ipairs(leases) do
    local i = held[id]
    if children[i] and not answers[i] then
      local its = children[i]
      local batch = read_batch(clock, its.from, its.stop, now)
      publish(batch, plan_keys(batch))
      leave_for_others(p, now, its.stop, its.away)
    end
  end
end
trim(p, now, { ARGV[3], ARGV[4], ARGV[5], ARGV[6] }, count, by_type)
local reply = { now_text }
for i, line in pairs(answers) do
  reply[#reply + 1], reply[#reply + 2] = i, line
end
return reply
