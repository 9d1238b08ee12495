-- Places in sorted sets: a score and a member, which may have gone meanwhile.
-- needs: time

-- How many members of a sorted set stand before a place; `itself`: counting the place.
local function count_before(key, score, member, itself)
  if tonumber(redis.call('ZSCORE', key, member) or nil) == score then
    return redis.call('ZRANK', key, member) + (itself and 1 or 0)
  end
  local from = redis.call('ZCOUNT', key, '-inf', '(' .. int(score))
  local to = from + redis.call('ZCOUNT', key, int(score), int(score))
  while from < to do
    local middle = math.floor((from + to) / 2)
    if redis.call('ZRANGE', key, middle, middle)[1] < member then
      from = middle + 1
    else
      to = middle
    end
  end
  return from
end
