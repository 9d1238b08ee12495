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
local MANY_TYPES = 40

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

-- Return those of some groups that are known, by their entries in the totals. Of too many the later
-- ones are counted together: their numbers move over.
local function known_of(p, counts, groups)
  table.sort(groups)
  local known, number = {}, nil
  for i, entry in ipairs(read_in_chunks(p .. 'totals', groups)) do
    local group = groups[i]
    number = number
      or redis.call('HLEN', p .. 'totals') - redis.call('HEXISTS', p .. 'totals', OTHER_TYPES)
    if not entry and number < TYPES_COUNTED then
      redis.call('HSET', p .. 'totals', group, '')
      entry, number = '', number + 1
    end
    if entry then
      known[#known + 1] = group
    else
      for letter, count in pairs(counts[group]) do tally(counts, OTHER_TYPES, letter, count) end
    end
  end
  if #known < #groups then redis.call('HSETNX', p .. 'totals', OTHER_TYPES, '') end
  return known
end

-- Count together at once what is not known, if there is no room: of many groups that is most, and
-- to look each up costs more than to read all that are known.
local function leave_unknown_out(p, counts, groups)
  local known, number, left = {}, 0, {}
  for i, group in ipairs(redis.call('HKEYS', p .. 'totals')) do known[group], number = true, i end
  if number - (known[OTHER_TYPES] and 1 or 0) < TYPES_COUNTED then return groups end
  for _, group in ipairs(groups) do
    if known[group] then
      left[#left + 1] = group
    else
      for letter, count in pairs(counts[group]) do tally(counts, OTHER_TYPES, letter, count) end
    end
  end
  if #left < #groups then redis.call('HSETNX', p .. 'totals', OTHER_TYPES, '') end
  return left
end

local function write_counts(p, now, counts)
  if not next(counts) then return end
  local minute = math.floor(now / MINUTE_LENGTH)
  local place, minute_text = minute % MINUTES_KEPT .. ' ', minute .. ' '
  local groups, fields, values, unmet = {}, {}, {}, {} -- unmet: in this minute's place
  for group in pairs(counts) do groups[#groups + 1] = group end
  if #groups > MANY_TYPES then groups = leave_unknown_out(p, counts, groups) end
  for i, group in ipairs(groups) do fields[i] = place .. group end
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
    if group ~= OTHER_TYPES then
      if text then add(group, fields[i], text) else unmet[#unmet + 1] = group end
    end
  end
  for _, group in ipairs(known_of(p, counts, unmet)) do add(group, place .. group) end
  if counts[OTHER_TYPES] then
    local field = place .. OTHER_TYPES
    add(OTHER_TYPES, field, redis.call('HGET', p .. 'minutes', field))
  end
  call_in_chunks('HSET', p .. 'minutes', values)
end
