-- Giving a queue its order, 'priority' or 'run_at'; `lib/lanes.lua` reads it.
-- needs: lanes

-- Whether a queue has this order, or may be given it: no job of it waits or runs.
local function may_have_order(p, order)
  return is_by_time(p) == (order == 'run_at')
    or redis.call('EXISTS', p .. 'heads', p .. 'scheduled', p .. 'retrying', p .. 'running') == 0
end

-- This may be the first write: refused at `maxmemory`, whichever order it is.
local function set_order(p, order)
  if is_by_time(p) == (order == 'run_at') then return end
  by_time[p] = order == 'run_at'
  redis.call('HSET', p .. 'control', 'order', order)
end
