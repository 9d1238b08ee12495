-- Instants. `p` is a queue's key prefix everywhere; `control` is a hash of numbers and words.

local CLOCK_SLACK = 5000

-- Lua's own number-to-text keeps 14 digits only.
local function int(number)
  return string.format('%.0f', number)
end

local function time(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The queue's instant: a clock a little behind the watermark stands still.
local function instant(p, clock)
  local at = tonumber(redis.call('HGET', p .. 'control', 'at') or 0)
  if at > clock and at - clock <= CLOCK_SLACK then return at end
  return clock
end

-- Note that a worker is alive; a clock set back and a silence each begin a holiday. Return now,
-- the end of the holiday, and what else a claim needs of `control`: what is paused, the order.
local function tick(p, clock, lease)
  local control = redis.call('HMGET', p .. 'control', 'at', 'holiday', 'paused', 'order')
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
  redis.call('HSET', p .. 'control', 'at', int(now), 'holiday', int(holiday))
  return now, holiday, control[3], control[4]
end
