-- Jobs that have ended: put where they are kept, counted by type, and dropped in time. Members of
-- these sets have the type behind the id.
-- needs: chunks

local ID = 26 -- characters
local TRIMMED_AT_LEAST = 10

-- Write how many more jobs of each type there are in `succeeded`.
local function tally_succeeded(p, counts)
  local types, sums, gone = {}, {}, {}
  for type, count in pairs(counts) do
    if count ~= 0 then types[#types + 1] = type end
  end
  for i, before in ipairs(read_in_chunks(p .. 'types:succeeded', types)) do
    local type, at = types[i], #sums
    local sum = (tonumber(before) or 0) + counts[type]
    if sum == 0 then
      gone[#gone + 1] = type
    else
      sums[at + 1], sums[at + 2] = type, sum
    end
  end
  call_in_chunks('HSET', p .. 'types:succeeded', sums)
  call_in_chunks('HDEL', p .. 'types:succeeded', gone)
end

local function drop(p, ids)
  call_in_chunks('HDEL', p .. 'bodies', ids)
  call_in_chunks('HDEL', p .. 'states', ids)
  if redis.call('EXISTS', p .. 'attempts', p .. 'results') == 0 then return end
  call_in_chunks('HDEL', p .. 'attempts', ids)
  call_in_chunks('HDEL', p .. 'results', ids)
end

-- Drop a bounded number of ended jobs past their retention. `bounds`: ages and counts of
-- finished, then of dead jobs. `succeeded`: how many of each type came to that set just now.
local function trim(p, now, bounds, ended, succeeded)
  local budget = TRIMMED_AT_LEAST + 2 * ended
  succeeded = succeeded or {}
  local by_age = redis.call('ZCOUNT', p .. 'succeeded', '-inf', now - bounds[1])
  local too_many = redis.call('ZCARD', p .. 'succeeded') - bounds[2]
  local excess = math.min(budget, math.max(by_age, too_many))
  if excess > 0 then
    local members = redis.call('ZRANGE', p .. 'succeeded', 0, excess - 1)
    redis.call('ZREMRANGEBYRANK', p .. 'succeeded', 0, excess - 1)
    for i = 1, #members do
      local member = members[i]
      local type = string.sub(member, ID + 1)
      members[i] = string.sub(member, 1, ID)
      succeeded[type] = (succeeded[type] or 0) - 1
    end
    drop(p, members)
  end
  tally_succeeded(p, succeeded)
  if redis.call('EXISTS', p .. 'dead', p .. 'cancelled', p .. 'succeeded:kept', p .. 'dead:kept',
    p .. 'cancelled:kept') > 0 then
    -- needs: trimming
    trim_typed(p, now, bounds, budget)
  end
end
