-- Lanes: the ready jobs of one type, a sorted set. Score: priority. Member: due time (12 hex
-- digits), arrival (10 hex digits), id. In a queue in order of due times ('order' in `control`)
-- these change places: the score is the due time, and the member begins with the priority above
-- the lowest. The index `heads` has the head of each lane that is
-- not empty: the same score, the same member with the lane's name behind it; so walking the
-- index meets the lanes in the order of their best jobs.

local MEMBER_PREFIX = 22
local LOWEST_PRIORITY = -32768

local by_time = {} -- by prefix, once it was read
local function is_by_time(p)
  if by_time[p] == nil then
    by_time[p] = redis.call('HGET', p .. 'control', 'order') == 'run_at'
  end
  return by_time[p]
end

-- Score of a ready job, and the number that its member begins with.
local function lane_rank(p, priority, due)
  local score, first = priority, due
  if is_by_time(p) then score, first = due, priority - LOWEST_PRIORITY end
  return score, first
end

-- Score and member of a ready job.
local function lane_place(p, priority, due, arrival, id)
  local score, first = lane_rank(p, priority, due)
  return score, string.format('%012x%010x', first, arrival) .. id
end

local function is_before(score_a, member_a, score_b, member_b)
  if score_a ~= score_b then return score_a < score_b end
  return member_a < member_b
end
