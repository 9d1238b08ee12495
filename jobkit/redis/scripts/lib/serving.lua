-- What a worker may take: jobs of the lanes in its set that are neither paused nor full.
-- `lanes:<set>` has "limit flags group" by type.
-- needs: lanes paused names

local FEW_HEADS, MANY_HEADS = 10, 50

local served, at_work = {}, {} -- lanes by name, as read; by group, how many of its jobs run

local function read_lane(type, text)
  if not text then return false end
  local limit, flags, group = string.match(text, '^(%d*) (%d*) (.*)$')
  local place = group .. '/' .. (group == type and '' or type)
  return { group = group, place = place, limit = tonumber(limit), flags = flags }
end

local function know_lanes(p, lane_set, names)
  local unknown, types = {}, {}
  for _, name in ipairs(names) do
    if served[name] == nil then
      local at = #unknown + 1
      unknown[at], types[at], served[name] = name, lane_type(name), false
    end
  end
  if #types == 0 then return end
  for i, text in ipairs(redis.call('HMGET', p .. 'lanes:' .. lane_set, unpack(types))) do
    served[unknown[i]] = read_lane(types[i], text)
  end
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

-- The lane as this worker serves it, {group, place, limit or nil, flags}, if a job of it may be
-- taken now.
local function may_take(p, name, may_suspect)
  if not may_suspect and string.byte(name) == SUSPECT then return false end
  local lane = served[name]
  return lane and not (lane.limit and is_full(p, lane))
    and not (paused[p] and is_paused(p, lane_type(name), lane.group)) and lane
end

-- A head of the index is a member with the lane's name behind it; ids have 26 characters.
local MEMBER = MEMBER_PREFIX + 26

local heads_ahead = 0 -- from the one on that was given last; perhaps less are served

-- Walk the index of heads: each call gives the next lane's name, its entry in the index and the
-- score as text, in the order of the best jobs.
local function heads_in_order(p, lane_set)
  if paused[p] and paused[p]['*'] then return function() end end
  local heads, names, at, offset, number, unread = {}, {}, 1, 0, FEW_HEADS, nil
  local function read_heads()
    heads = redis.call('ZRANGE', p .. 'heads', offset, offset + number - 1, 'WITHSCORES')
    names, at, offset = {}, 1, offset + number
    number = #heads == 2 * number and MANY_HEADS or nil
    if number and not unread then
      unread = math.min(
        redis.call('ZCARD', p .. 'heads'), redis.call('HLEN', p .. 'lanes:' .. lane_set))
    end
    unread = number and math.max(0, unread - #heads / 2) or 0
    for i = 1, #heads / 2 do names[i] = string.sub(heads[2 * i - 1], MEMBER + 1) end
    know_lanes(p, lane_set, names)
  end
  return function()
    if at > #names and number then read_heads() end
    heads_ahead = #names - at + 1 + unread
    if at > #names then return nil end
    at = at + 1
    return names[at - 1], heads[2 * at - 3], heads[2 * at - 2]
  end
end

local function best_lane(p, lane_set, may_suspect)
  for name in heads_in_order(p, lane_set) do
    if may_take(p, name, may_suspect) then return name end
  end
end
