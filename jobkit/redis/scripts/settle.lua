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
-- asked to cancel them; `text`: what they say, `ends`: by duration, what the state of a plain
-- success says; `took`: the attempts that ended, as they are counted; `succeeded`: how many came to
-- that set. States of many types are alike behind what names the type: that is looked at once.
local kinds, tails = {}, {}
local function read_tail(text)
  local tail = {
    is_started = string.find(text, '\ns', 1, true),
    is_plain = string.find(text, '^\ns%d+$') or not string.find(text, '\n[cnqRS]'),
  }
  tails[text] = tail
  return tail
end

local function read_kind(text)
  if string.find(text, holder, 1, true) ~= 1 then return { fence = '' } end
  local fence, flags, place, group, type, more =
    string.match(text, '^(%d+)\nv(%d*) (([^/]*)/(%S*) )[^\n]*()', #holder + 1)
  if not fence then return { fence = '' } end
  local behind = string.sub(text, more)
  local tail = tails[behind] or read_tail(behind)
  return {
    fence = fence, place = place, group = group, type = type ~= '' and type or group,
    is_limited = string.sub(flags, 3) == '1', is_started = tail.is_started,
    is_plain = tail.is_plain, text = text, ends = {}, took = false, succeeded = 0,
  }
end

local function plain_end(kind, duration)
  local start = kind.is_started and '' or '\ns' .. int(now - duration)
  local text = 'K' .. string.sub(kind.text, 2) .. start
    .. '\ne' .. now_text .. '\nu' .. duration
  kind.ends[duration] = text
  return text
end

-- Count an attempt by its duration.
local letters, lengths = {}, {} -- by duration as text
local function count_attempt(kind, duration)
  if not letters[duration] then
    local bucket, length = 1, tonumber(duration)
    while DURATIONS[bucket] and length > DURATIONS[bucket] do bucket = bucket + 1 end
    letters[duration], lengths[duration] = string.char(64 + bucket), length
  end
  local took, letter = kind.took, letters[duration]
  if took then
    took[letter], took.u = (took[letter] or 0) + 1, took.u + lengths[duration]
  else
    kind.took = { [letter] = 1, u = lengths[duration] }
  end
end

local texts = read_in_chunks(p .. 'states', ids)
local held, leases, members, kind_of, freed = {}, {}, {}, {}, nil
local succeeded, states, results = {}, {}, {} -- of plain successes
local others, unheld, copies = {}, {}, {} -- by number
local found, plain = 0, 0
for i = 1, count do
  local id, text, duration = ids[i], texts[i], durations[i]
  local kind = kinds[text]
  if text and not kind then
    kind = read_kind(text)
    kinds[text] = kind
  end
  if not kind or kind.fence ~= fences[i] then
    unheld[#unheld + 1] = i
  elseif held[id] then
    copies[i] = held[id] -- a settlement that stands twice in the request counts once
  else
    held[id], found = i, found + 1
    leases[found], members[found] = id, kind.place .. id
    if kind.is_limited then
      freed = freed or {}
      freed[kind.group] = true
    end
    if kind.is_plain and not moves[i] then
      states[plain + 1], states[plain + 2] = id, kind.ends[duration] or plain_end(kind, duration)
      succeeded[plain + 1], succeeded[plain + 2] = now_text, id .. kind.type
      plain = plain + 2
      count_attempt(kind, duration)
      kind.succeeded = kind.succeeded + 1
      if words[i] then results[#results + 1], results[#results + 2] = id, '=' .. words[i] end
    else
      others[#others + 1], kind_of[i] = i, kind
    end
  end
end

local counts, by_type, answers = {}, {}, {}

local function add_up_kinds()
  for _, kind in pairs(kinds) do
    if kind.took then
      by_type[kind.type] = (by_type[kind.type] or 0) + kind.succeeded
      if counts[kind.group] then
        for letter, number in pairs(kind.took) do tally(counts, kind.group, letter, number) end
      else
        counts[kind.group] = kind.took
      end
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
add_up_kinds()
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
