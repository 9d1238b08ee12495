-- Store new jobs. Each takes 8 arguments: index of its queue's prefix in KEYS, id, type,
-- priority, due time ('' for none), delay, retention ('' for none), tail of the body.

local FIELDS = 8

-- Touch what a push writes to, so that a key of another kind stops it before the first write.
local function check_kinds(p)
  redis.call('HLEN', p .. 'bodies')
  redis.call('ZCARD', p .. 'heads')
  redis.call('ZCARD', p .. 'scheduled')
end

local function publish(clock, from, count)
  local queues = {}
  for i = from, from + (count - 1) * FIELDS, FIELDS do
    local p = KEYS[tonumber(ARGV[i])]
    local queue = queues[p]
    if not queue then
      queue = { now = instant(p, clock), bodies = {}, ready = {}, hints = {}, jobs = 0 }
      queues[p] = queue
    end
    queue.jobs = queue.jobs + 1
  end
  for p, queue in pairs(queues) do
    queue.arrival = redis.call('HINCRBY', p .. 'control', 'arrivals', queue.jobs) - queue.jobs
  end
  for i = from, from + (count - 1) * FIELDS, FIELDS do
    local p = KEYS[tonumber(ARGV[i])]
    local id, type, priority = ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    local queue = queues[p]
    local now = queue.now
    queue.arrival = queue.arrival + 1
    local due = now + tonumber(ARGV[i + 5])
    if ARGV[i + 4] ~= '' then due = math.max(0, tonumber(ARGV[i + 4])) end
    local bodies = queue.bodies
    bodies[#bodies + 1] = id
    bodies[#bodies + 1] = table.concat(
      { type, ARGV[i + 3], int(due), int(queue.arrival), int(now), ARGV[i + 7] }, ' ')
    if ARGV[i + 6] ~= '' then redis.call('HSET', p .. 'states', id, 'R' .. ARGV[i + 6]) end
    if put_back(p, queue.ready, 'scheduled', now, id, type, priority, due, queue.arrival, false) then
      queue.hints[type] = true
    end
  end
  for p, queue in pairs(queues) do
    call_in_chunks('HSET', p .. 'bodies', queue.bodies)
    flush_ready(p, queue.ready)
    for type in pairs(queue.hints) do hint(p, type) end
  end
end
