-- Children for queues of other slots, left with their parent's queue until they are forwarded.
-- `outboxes`: the queues that some wait for. `outbox:<queue>`: a list of "number due-time child".
-- Numbers grow for ever, over all of them, and are ahead of the clock's milliseconds: also if
-- the last ones were forgotten in a failover, none comes twice.
-- needs: publish

local NUMBERS_PER_MILLISECOND = 1000

-- Arguments of each: its queue, when it is due, the child as its client reads it.
-- The delay of a child runs from its parent's end; one without a delay is due when it arrives.
local function leave_for_others(p, now, from, number)
  if number == 0 then return end
  local last = tonumber(redis.call('HGET', p .. 'control', 'out') or 0)
  last = math.max(last, now * NUMBERS_PER_MILLISECOND)
  redis.call('HSET', p .. 'control', 'out', int(last + number))
  for at = 0, number - 1 do
    local i = from + at * AWAY
    local queue, due, child = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if due ~= '' then due = int(due_of(due, now)) end
    redis.call('RPUSH', p .. 'outbox:' .. queue, int(last + 1 + at) .. ' ' .. due .. ' ' .. child)
    redis.call('SADD', p .. 'outboxes', queue)
  end
end
