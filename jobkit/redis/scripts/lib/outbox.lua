-- Children for queues of other slots, left with their parent's queue until they are forwarded.
-- `outboxes`: the queues that some wait for. `outbox:<queue>`: a list of "number due-time child".
-- Numbers grow for ever, over all of them, and are ahead of the clock's milliseconds: also if
-- the last ones were forgotten in a failover, none comes twice.
-- needs: publish

local NUMBERS_PER_MILLISECOND = 1000
local AWAY = 64 -- '@', in front of the name of a queue that is elsewhere

-- How many of the children from `first` on stay in this slot; the others come behind them.
local function count_here(first, number)
  local here = number
  while here > 0 and string.byte(ARGV[first + (here - 1) * FIELDS]) == AWAY do here = here - 1 end
  return here
end

-- The delay of a child runs from its parent's end, in whatever queue it is; one without a delay is
-- due when it arrives.
local function begin_delays(now, first, number)
  for i = first, first + (number - 1) * FIELDS, FIELDS do
    local delay = tonumber(ARGV[i + 5])
    if ARGV[i + 4] == '' and delay > 0 then ARGV[i + 4] = int(now + delay) end
  end
end

-- Arguments of such a child: "@queue", the child, '', '', due time, delay; the rest is empty.
local function leave_for_others(p, now, first, number)
  if number == 0 then return end
  local last = tonumber(redis.call('HGET', p .. 'control', 'out') or 0)
  last = math.max(last, now * NUMBERS_PER_MILLISECOND)
  redis.call('HSET', p .. 'control', 'out', int(last + number))
  for at = 0, number - 1 do
    local i = first + at * FIELDS
    local queue, due = string.sub(ARGV[i], 2), ARGV[i + 4]
    redis.call('RPUSH', p .. 'outbox:' .. queue, int(last + 1 + at) .. ' ' .. due .. ' ' .. ARGV[i + 1])
    redis.call('SADD', p .. 'outboxes', queue)
  end
end
