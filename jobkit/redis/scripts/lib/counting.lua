-- Counting attempts by the group of their type, in a ring of minutes and in totals; what the
-- letters say stands in jobkit/store/counting.py.
-- `minutes` has "minute numbers" by "place group", `totals` has numbers by group: of every known
-- group what left the ring. Numbers: letter and number in turn, with a blank behind each.
-- A script counts into a table, by group and letter, and writes that once.
-- needs: time chunks

local MINUTE_LENGTH = 60000
local MINUTES_KEPT = 180
local TYPES_COUNTED = 200
local OTHER_TYPES = '(other)'

local function tally(counts, group, letter, number)
  local numbers = counts[group]
  if not numbers then
    numbers = {}
    counts[group] = numbers
  end
  numbers[letter] = (numbers[letter] or 0) + number
end

-- Add what a text has to numbers, and return the text of the sum. A minute at its beginning is no
-- pair, and passed over.
local function add_numbers(text, numbers)
  for letter, number in string.gmatch(text, '(%a)(%d+) ') do
    numbers[letter] = (numbers[letter] or 0) + number
  end
  local sum = '' -- of a few pairs; the numbers are far from 10^14, so all their digits are kept
  for letter, number in pairs(numbers) do sum = sum .. letter .. number .. ' ' end
  return sum
end

-- Know a group by its entry in the totals. Of too many the later ones are counted together: then
-- its numbers move over, and it is left out.
local function know(p, counts, group)
  if redis.call('HEXISTS', p .. 'totals', group) == 1 then return true end
  local known = redis.call('HLEN', p .. 'totals')
  if known >= TYPES_COUNTED then
    known = known - redis.call('HEXISTS', p .. 'totals', OTHER_TYPES)
  end
  if known < TYPES_COUNTED then
    redis.call('HSET', p .. 'totals', group, '')
    return true
  end
  for letter, number in pairs(counts[group]) do tally(counts, OTHER_TYPES, letter, number) end
  redis.call('HSETNX', p .. 'totals', OTHER_TYPES, '')
  return false
end

local function write_counts(p, now, counts)
  if not next(counts) then return end
  local minute = math.floor(now / MINUTE_LENGTH)
  local place, minute_text = minute % MINUTES_KEPT .. ' ', minute .. ' '
  local groups, fields, values, unmet = {}, {}, {}, {}
  for group in pairs(counts) do
    local at = #groups + 1
    groups[at], fields[at] = group, place .. group
  end
  -- What a field says of an older minute moves to the totals.
  local function add(group, field, text)
    if text and string.find(text, minute_text, 1, true) ~= 1 then
      local left = string.match(text, ' (.*)$')
      local total = redis.call('HGET', p .. 'totals', group) or ''
      redis.call('HSET', p .. 'totals', group, add_numbers(left .. total, {}))
      text = nil
    end
    local at = #values
    values[at + 1] = field
    values[at + 2] = minute_text .. add_numbers(text or '', counts[group])
  end
  for i, text in ipairs(read_in_chunks(p .. 'minutes', fields)) do
    local group = groups[i]
    if text and group ~= OTHER_TYPES then
      add(group, fields[i], text)
    else
      unmet[#unmet + 1] = group
    end
  end
  if unmet[1] then
    table.sort(unmet)
    for _, group in ipairs(unmet) do
      if group ~= OTHER_TYPES and know(p, counts, group) then add(group, place .. group) end
    end
    if counts[OTHER_TYPES] then
      local field = place .. OTHER_TYPES
      add(OTHER_TYPES, field, redis.call('HGET', p .. 'minutes', field))
    end
  end
  call_in_chunks('HSET', p .. 'minutes', values)
end
