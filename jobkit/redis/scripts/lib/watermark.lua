-- The watermark of a queue: the latest instant at which one of its workers was alive.
-- needs: time

-- Note that a worker is alive; a clock set back and a silence each begin a holiday. Return now,
-- the end of the holiday, and what else a claim needs of `control`: what is paused, the order, whose
-- workers idle.
local function tick(p, clock, lease)
  local control = redis.call('HMGET', p .. 'control', 'at', 'holiday', 'paused', 'order', 'idlers')
  local at, holiday = tonumber(control[1] or 0), tonumber(control[2] or 0)
  local now = clock
  if at > clock and at - clock <= CLOCK_SLACK then now = at end
  if at > now then
    -- Leases run on for as long as they had to.
    local leases = redis.call('ZRANGE', p .. 'running', 0, -1, 'WITHSCORES')
    for i = 1, #leases, 2 do
      redis.call('ZADD', p .. 'running', leases[i + 1] - (at - now), leases[i])
    end
    holiday = now + lease
  elseif now - at > math.floor(lease / 2) and redis.call('EXISTS', p .. 'running') == 1 then
    holiday = math.max(holiday, now + lease)
  end
  redis.call('HSET', p .. 'control', 'at', now, 'holiday', holiday)
  return now, holiday, control[3], control[4], control[5] or ''
end
