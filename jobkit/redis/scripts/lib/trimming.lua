-- Dropping ended jobs of the sets that the index by type has as well: all but `succeeded`.
-- needs: typed

local function drop_first(p, set, count)
  local members = redis.call('ZRANGE', p .. set, 0, count - 1)
  redis.call('ZREMRANGEBYRANK', p .. set, 0, count - 1)
  local ids, counts = {}, {}
  for i, member in ipairs(members) do
    ids[i] = string.sub(member, 1, ID)
    local type = string.sub(member, ID + 1)
    counts[type] = (counts[type] or 0) + 1
  end
  cut_typed(p, set, counts)
  drop(p, ids)
end

-- See `trim`.
local function trim_typed(p, now, bounds, budget)
  for where, first in pairs({ dead = 3, cancelled = 1 }) do
    local by_age = redis.call('ZCOUNT', p .. where, '-inf', now - bounds[first])
    local too_many = redis.call('ZCARD', p .. where) - bounds[first + 1]
    local excess = math.min(budget, math.max(by_age, too_many))
    if excess > 0 then drop_first(p, where, excess) end
  end
  for _, kept in ipairs({ 'succeeded:kept', 'dead:kept', 'cancelled:kept' }) do
    local expired = redis.call('ZCOUNT', p .. kept, '-inf', now)
    if expired > 0 then drop_first(p, kept, math.min(budget, expired)) end
  end
end
