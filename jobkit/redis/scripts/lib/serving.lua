-- What a worker may take: jobs of the lanes in its set that are neither paused nor full.
-- `lanes:<set>` has "limit flags group" by type.
-- needs: lanes paused names

local FEW_HEADS, MANY_HEADS = 10, 50

local served, at_work = {}, {} -- lanes by type, as read; by group, how many of its jobs run

local function read_lane(type, text)
  if not text then return false end
  local limit, flags, group = string.match(text, '^(%d*) (%d*) (.*)$')
  local place = group .. '/' .. (group == type and '' or type)
  return { group = group, place = place, limit = tonumber(limit), flags = flags }
end

local function know_lanes(p, lane_set, names)
  local types, asked = {}, {}
  for _, name in ipairs(names) do
    local type = lane_type(name)
    if served[type] == nil and not asked[type] then
      types[#types + 1], asked[type] = type, true
    end
  end
  if #types == 0 then return end
  for i, text in ipairs(redis.call('HMGET', p .. 'lanes:' .. lane_set, unpack(types))) do
    served[types[i]] = read_lane(types[i], text)
  end
end

-- The lane as this worker serves it: {group, place, limit or nil, flags}; false if it does not.
local function serving(name)
  return served[lane_type(name)]
end

local function is_full(p, lane)
  if not lane.limit then return false end
  if not at_work[lane.group] then
    at_work[lane.group] = redis.call(
      'ZLEXCOUNT', p .. 'active', '[' .. lane.group .. '/', '(' .. lane.group .. '0')
  end
  return at_work[lane.group] >= lane.limit
end

local function count_at_work(lane)
  if lane.limit then at_work[lane.group] = at_work[lane.group] + 1 end
end

local function may_take(p, name, may_suspect)
  if string.byte(name) == SUSPECT and not may_suspect then return false end
  local lane = serving(name)
  return lane and not (lane.limit and is_full(p, lane))
    and not (paused[p] and is_paused(p, lane_type(name), lane.group))
end

-- A head of the index is a member with the lane's name behind it; ids have 26 characters.
local MEMBER = MEMBER_PREFIX + 26

-- Walk the index of heads: each call gives the next lane's name, the member that is its head and
-- its score as text, in the order of the best jobs.
local function heads_in_order(p, lane_set)
  if paused[p] and paused[p]['*'] then return function() end end
  local heads, names, at, offset, number = {}, {}, 1, 0, FEW_HEADS
  local function read_heads()
    heads = redis.call('ZRANGE', p .. 'heads', offset, offset + number - 1, 'WITHSCORES')
    names, at, offset = {}, 1, offset + number
    number = #heads == 2 * number and MANY_HEADS or nil
    for i = 1, #heads, 2 do names[#names + 1] = string.sub(heads[i], MEMBER + 1) end
    know_lanes(p, lane_set, names)
  end
  return function()
    if at > #names and number then read_heads() end
    if at > #names then return nil end
    at = at + 1
    return names[at - 1], string.sub(heads[2 * at - 3], 1, MEMBER), heads[2 * at - 2]
  end
end

local function best_lane(p, lane_set, may_suspect)
  for name in heads_in_order(p, lane_set) do
    if may_take(p, name, may_suspect) then return name end
  end
end
