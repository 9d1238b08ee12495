-- Read some jobs of one state, in a stable order.
-- KEYS: prefix. ARGV: now, state, limit, newest first (1 or 0), the place after which to go on:
-- line ('' for the start), score, member; then the types to be shown (none: all).
-- Reply: now, the place up to which this is all if there may be more ('' if not), then for each
-- job: id, body, state, attempts, result.
-- A line is a sorted set, or some that are merged. Order: queued lane by lane, each by rank;
-- running by id; else by instant. A place stays one when its job has moved: the next page goes
-- on with what stands behind it. O(limit + log jobs); lanes count, and types asked for. Only
-- succeeded jobs of some types are looked for among all, up to SCANNED of them in one call.
-- needs: jobs places names

local SCANNED = 10000

local p, state, limit, newest = KEYS[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local after = ARGV[5] ~= '' and { line = ARGV[5], score = tonumber(ARGV[6]), member = ARGV[7] }
local now = instant(p, time(ARGV[1]))
local types, asked = {}, nil
for i = 8, #ARGV do
  types[i - 7] = ARGV[i]
  asked = asked or {}
  asked[ARGV[i]] = true
end

local function typed_keys(set)
  if not asked then return { p .. set } end
  local keys = {}
  for i, type in ipairs(types) do keys[i] = p .. 'of:' .. set .. ':' .. type end
  return keys
end

local function lanes()
  local found = {}
  for _, head in ipairs(redis.call('ZRANGE', p .. 'heads', 0, -1)) do
    local lane = string.sub(head, MEMBER_PREFIX + 27)
    if not asked or asked[lane_type(lane)] then
      found[#found + 1] = { name = lane, keys = { p .. 'lane:' .. lane }, skip = MEMBER_PREFIX }
    end
  end
  table.sort(found, function(a, b) return a.name < b.name end)
  return found
end

local function running_line()
  local places = {}
  for _, place in ipairs(places_in_use(p)) do
    if not asked or asked[place_type(place)] then places[#places + 1] = place end
  end
  return { name = 'running', keys = places, skip = 0 }
end

local function lines()
  if state == 'queued' then return lanes() end
  if state == 'running' then return { running_line() } end
  if state == 'scheduled' or state == 'retrying' then
    return { { name = state, keys = typed_keys(state), skip = 10 } }
  end
  local kept = state .. ':kept'
  if state == 'succeeded' then
    return {
      { name = state, keys = { p .. state }, skip = 0, only = asked },
      { name = kept, keys = typed_keys(kept), skip = 0 },
    }
  end
  return {
    { name = state, keys = typed_keys(state), skip = 0 },
    { name = kept, keys = typed_keys(kept), skip = 0 },
  }
end

-- Jobs that run at a place; as all of them have one score, an id alone is their member here.
local function read_active(key, place, wanted)
  local first, last = range_of(key)
  if place and newest then last = '(' .. key .. ' ' .. place.member end
  if place and not newest then first = '(' .. key .. ' ' .. place.member end
  local found = newest
    and redis.call('ZREVRANGEBYLEX', p .. 'active', last, first, 'LIMIT', 0, wanted)
    or redis.call('ZRANGEBYLEX', p .. 'active', first, last, 'LIMIT', 0, wanted)
  for i, member in ipairs(found) do
    found[i] = { member = string.sub(member, #key + 2), score = 0 }
  end
  return found
end

local function read_set(key, place, wanted)
  if state == 'running' then return read_active(key, place, wanted) end
  local from, to
  if newest then
    to = (place and count_before(key, place.score, place.member, false)
      or redis.call('ZCARD', key)) - 1
    from = math.max(0, to - wanted + 1)
    if to < 0 then return {} end
  else
    from = place and count_before(key, place.score, place.member, true) or 0
    to = from + wanted - 1
  end
  local found, reply = {}, redis.call('ZRANGE', key, from, to, 'WITHSCORES')
  for i = 1, #reply, 2 do
    local at = newest and (#reply - i + 1) / 2 or (i + 1) / 2
    found[at] = { member = reply[i], score = tonumber(reply[i + 1]) }
  end
  return found
end

local function stands_before(a, b)
  if newest then a, b = b, a end
  return is_before(a.score, a.member, b.score, b.member)
end

-- Some members of a line from a place on, in order; and the place up to which that is all.
local function read_line(line, place, wanted)
  local found, complete = {}, true
  for _, key in ipairs(line.keys) do
    local part = read_set(key, place, wanted)
    for _, entry in ipairs(part) do found[#found + 1] = entry end
    complete = complete and #part < wanted
  end
  if #line.keys > 1 then
    table.sort(found, stands_before)
    for i = wanted + 1, #found do found[i], complete = nil, false end
  end
  return found, complete
end

local function is_shown(line, member)
  return not line.only or line.only[string.sub(member, ID + 1)]
end

-- Read from a line until there are `wanted` entries, or it is at its end, or enough was looked at;
-- return the place to go on at in the last case.
local function fill(entries, line, place, wanted)
  local scanned, complete = 0, false
  while not complete and #entries < wanted do
    local found
    found, complete = read_line(line, place, line.only and CHUNK or wanted - #entries)
    for _, entry in ipairs(found) do
      entry.line = line
      if #entries < wanted and is_shown(line, entry.member) then entries[#entries + 1] = entry end
    end
    place = found[#found]
    scanned = scanned + #found
    if not complete and #entries < wanted and scanned >= SCANNED then return place end
  end
end

local entries, last = {}, nil
for _, line in ipairs(lines()) do
  if not after or line.name >= after.line then
    local place = after and line.name == after.line and after or nil
    last = fill(entries, line, place, limit + 1)
  end
  if last or #entries > limit then break end
end
if #entries > limit then
  entries[limit + 1] = nil
  last = entries[limit]
end
local place = last and { last.line.name, int(last.score), last.member } or ''
local ids = {}
for i, entry in ipairs(entries) do
  local from = entry.line.skip
  ids[i] = string.sub(entry.member, from + 1, from + ID)
end
local reply = { int(now), place }
for _, job in ipairs(read_jobs(p, ids)) do reply[#reply + 1] = job end
return reply
