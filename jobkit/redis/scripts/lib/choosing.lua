-- Choose the best jobs over all lanes that a worker may take from: open a lane when the walk
-- meets its head, and take from the best of the open ones while it is better than the next head.
-- `open` has the open lanes, best last; `chosen` the ids, `specs` how each one's lane is served,
-- `used` the lanes they are of. Scores are text here: most are the same, and need no number.
-- O(taken x (log ready + lanes open) + lanes passed over).
-- needs: serving chunks

local LONGEST_READ = 64 -- members of a lane, at once

local open, chosen, specs, used, asked = {}, {}, {}, {}, 0
local has_left = true -- whether lanes that are not open may have jobs

local function is_better(score_a, member_a, score_b, member_b)
  if score_a == score_b then return member_a < member_b end
  return tonumber(score_a) < tonumber(score_b)
end

-- Show a lane's next job as `member` and `score`; false if it has none or may give none. What is
-- read at once is its share of what is still wanted, and each time at least twice as much; where
-- less is wanted than there are lanes, or nothing any more, its head.
local function show_next(p, lane)
  local members = lane.members
  if lane.at > #members then
    if lane.is_last then return false end
    local left = asked - #chosen
    local lanes = #open + heads_ahead
    local share = left < lanes and 1 or math.ceil(left / lanes) + 1
    local number = left == 0 and 1 or math.min(LONGEST_READ, math.max(2 * lane.read, share))
    members = redis.call('ZRANGE', lane.key, lane.taken, lane.taken + number - 1, 'WITHSCORES')
    lane.members, lane.at, lane.is_last, lane.read = members, 1, #members < 2 * number, number
    if #members == 0 then return false end
  end
  if lane.spec.limit and is_full(p, lane.spec) then return false end
  lane.member, lane.score = members[lane.at], members[lane.at + 1]
  return true
end

-- Let a lane stand among the open ones, where its next job says: mostly behind all others.
local function stand_in_line(lane)
  local score, member, first, last = lane.score, lane.member, 1, #open + 1
  local worst = open[1]
  if worst and not is_better(score, member, worst.score, worst.member) then last = 1 end
  while first < last do
    local middle = math.floor((first + last) / 2)
    local other = open[middle]
    if is_better(score, member, other.score, other.member) then
      first = middle + 1
    else
      last = middle
    end
  end
  table.insert(open, first, lane)
end

local function close_unless(is_left)
  local left = {}
  for _, lane in ipairs(open) do
    if is_left(lane) then left[#left + 1] = lane else has_left = true end
  end
  open = left
end

-- The first job of a lane is known from the index: `entry` begins with its member.
local function open_lane(p, name, entry, score, spec)
  stand_in_line({
    name = name, key = p .. 'lane:' .. name, spec = spec, is_suspect = string.byte(name) == SUSPECT,
    entry = entry, member = entry, score = score, members = {}, at = 1, taken = 0, read = 0,
    is_last = false,
  })
end

-- Take the best job of all, which is the next of the last open lane.
local function take_best(p)
  local lane, number = open[#open], #chosen + 1
  local spec = lane.spec
  chosen[number], specs[number] = string.sub(lane.member, MEMBER_PREFIX + 1, MEMBER), spec
  lane.at, lane.taken = lane.at + 2, lane.taken + 1
  if lane.taken == 1 then used[#used + 1] = lane end
  if spec.limit then
    count_at_work(spec)
    -- Other lanes of the group may be full now as well.
    if is_full(p, spec) then
      close_unless(function(other) return other == lane or not is_full(p, other.spec) end)
    end
  end
  local is_left, second = show_next(p, lane), open[#open - 1]
  if not is_left then
    open[#open] = nil
  elseif second and not is_better(lane.score, lane.member, second.score, second.member) then
    open[#open] = nil
    stand_in_line(lane)
  end
  return lane
end

-- Take up to `wanted` jobs; among the first `slots` of them up to `suspects` that were lost before.
local function choose(p, lane_set, wanted, slots, suspects)
  local left = suspects
  asked, has_left = wanted, false
  local walk = heads_in_order(p, lane_set)
  local name, entry, score = walk()
  while #chosen < wanted do
    local may_suspect = left > 0 and #chosen < slots
    if suspects > 0 and not may_suspect then
      close_unless(function(other) return not other.is_suspect end)
      suspects = 0
    end
    while name do
      local best = open[#open]
      if best and is_better(best.score, best.member, score, entry) then break end
      local spec = may_take(p, name, may_suspect)
      if spec then open_lane(p, name, entry, score, spec) else has_left = true end
      name, entry, score = walk()
    end
    if #open == 0 then return end
    if take_best(p).is_suspect then left = left - 1 end
  end
  has_left = has_left or name ~= nil
end

-- What was chosen from a lane are its first members, and what is shown behind them is its head.
local function remove_chosen(p)
  local gone, come = {}, {}
  for i, lane in ipairs(used) do
    redis.call('ZREMRANGEBYRANK', lane.key, 0, lane.taken - 1)
    gone[i] = lane.entry
    local member, score = lane.members[lane.at], lane.members[lane.at + 1]
    if member then
      local at = #come
      come[at + 1], come[at + 2] = score, member .. lane.name
    end
  end
  call_in_chunks('ZREM', p .. 'heads', gone)
  call_in_chunks('ZADD', p .. 'heads', come)
end
