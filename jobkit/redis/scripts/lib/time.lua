-- Instants. `p` is a queue's key prefix everywhere; `control` is a hash of numbers and words.

local CLOCK_SLACK = 5000

-- Lua's own number-to-text keeps 14 digits only, and %d has 32 bits on some platforms.
local function int(number)
  return string.format('%.0f', number)
end

local function time(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The queue's instant: a clock a little behind the watermark stands still. `at`: that of the
-- watermark, if it was read.
local function instant(p, clock, at)
  if at == nil then at = redis.call('HGET', p .. 'control', 'at') end
  at = tonumber(at or 0)
  if at > clock and at - clock <= CLOCK_SLACK then return at end
  return clock
end
