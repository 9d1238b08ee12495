-- Giving a queue its order, 'priority' or 'run_at'; `lib/lanes.lua` reads it.
-- needs: lanes

-- Whether a queue has this order, or may be given it: no job of it waits or runs.
local function may_have_order(p, order)
  return is_by_time(p) == (order == 'run_at')
    or redis.call('EXISTS', p .. 'heads', p .. 'scheduled', p .. 'retrying', p .. 'running') == 0
end

local function set_order(p, order)
  if is_by_time(p) == (order == 'run_at') then return end
  by_time[p] = order == 'run_at'
  if by_time[p] then
    redis.call('HSET', p .. 'control', 'order', order)
  else
    redis.call('HDEL', p .. 'control', 'order')
  end
end
