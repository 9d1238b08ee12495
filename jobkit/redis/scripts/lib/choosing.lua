-- Choose the best jobs over all lanes that a worker may take from: open a lane when the walk
-- meets its head, and take from the best of the open ones while it is better than the next head.
-- `chosen` has their ids, `specs` how each one's lane is served, `used` the lanes they are of.
-- O(taken x log ready + lanes passed over).

local FIRST_READ, LONGEST_READ = 4, 64 -- members of a lane; each read is four times as long

local open, chosen, specs, used = {}, {}, {}, {}

local function read_members(p, lane)
  local number = lane.read
  lane.members = redis.call('ZRANGE', p .. 'lane:' .. lane.name, lane.taken,
    lane.taken + number - 1, 'WITHSCORES')
  lane.at, lane.is_last = 1, #lane.members < 2 * number
  lane.read = math.min(4 * number, LONGEST_READ)
end

-- Show a lane's next job as `member` and `score`; false if it has none or may give none.
local function show_next(p, lane)
  if lane.at > #lane.members then
    if lane.is_last then return false end
    read_members(p, lane)
    if #lane.members == 0 then return false end
  end
  if is_full(p, lane.spec) then return false end
  lane.member, lane.score = lane.members[lane.at], tonumber(lane.members[lane.at + 1])
  return true
end

local function best_open()
  local best = open[1]
  for i = 2, #open do
    local lane = open[i]
    if is_before(lane.score, lane.member, best.score, best.member) then best = lane end
  end
  return best
end

local function close_unless(is_left)
  local left = {}
  for _, lane in ipairs(open) do
    if is_left(lane) then left[#left + 1] = lane end
  end
  open = left
end

local function open_lane(p, name, head)
  local lane = {
    name = name, head = head, taken = 0, read = FIRST_READ, spec = serving(name),
    is_suspect = string.sub(name, 1, 1) == '!',
  }
  read_members(p, lane)
  show_next(p, lane)
  open[#open + 1] = lane
  return lane
end

local function take_from(p, lane)
  local spec = lane.spec
  chosen[#chosen + 1] = string.sub(lane.member, MEMBER_PREFIX + 1)
  specs[#chosen] = spec
  lane.at, lane.taken = lane.at + 2, lane.taken + 1
  if lane.taken == 1 then used[#used + 1] = lane end
  if spec.limit then
    count_at_work(spec)
    -- Other lanes of the group may be full now as well.
    if is_full(p, spec) then
      close_unless(function(other) return not is_full(p, other.spec) end)
    end
  end
  if not show_next(p, lane) then
    close_unless(function(other) return other ~= lane end)
  end
end

-- Take up to `wanted` jobs; among the first `slots` of them up to `suspects` that were lost before.
local function choose(p, lane_set, wanted, slots, suspects)
  local left = suspects
  local walk = heads_in_order(p, lane_set)
  local name, head, score = walk()
  while #chosen < wanted do
    local may_suspect = left > 0 and #chosen < slots
    if suspects > 0 and not may_suspect then
      close_unless(function(other) return not other.is_suspect end)
      suspects = 0
    end
    local best = best_open()
    while name and not (best and is_before(best.score, best.member, score, head)) do
      if may_take(p, name, may_suspect) then best = open_lane(p, name, head) end
      name, head, score = walk()
    end
    if not best then return end
    take_from(p, best)
    if best.is_suspect then left = left - 1 end
  end
end

-- What was chosen from a lane are its first members, and what is shown behind them is its head.
local function remove_chosen(p)
  local gone, come = {}, {}
  for i, lane in ipairs(used) do
    redis.call('ZREMRANGEBYRANK', p .. 'lane:' .. lane.name, 0, lane.taken - 1)
    gone[i] = lane.head .. lane.name
    if lane.at <= #lane.members then
      come[#come + 1] = lane.members[lane.at + 1]
      come[#come + 1] = lane.members[lane.at] .. lane.name
    end
  end
  call_in_chunks('ZREM', p .. 'heads', gone)
  call_in_chunks('ZADD', p .. 'heads', come)
end
