-- List the workers of a queue, and what they run.
-- KEYS: prefix. ARGV: now. Reply: now; lane set and its types in turn; worker, last heartbeat,
-- lane set and what it tells of itself in turn; worker, id, type, start and last check-in of each
-- started job in turn. O(workers + running).
-- needs: time states

local p = KEYS[1]
local now = int(instant(p, time(ARGV[1])))

local sets, workers, known = {}, {}, {}
local found = redis.call('ZRANGE', p .. 'workers', 0, -1, 'WITHSCORES')
for i = 1, #found, 2 do
  local worker = found[i]
  local lane_set = redis.call('HGET', p .. 'serving', worker) or ''
  if lane_set ~= '' and not known[lane_set] then
    known[lane_set] = true
    sets[#sets + 1] = lane_set
    sets[#sets + 1] = redis.call('HKEYS', p .. 'lanes:' .. lane_set)
  end
  workers[#workers + 1] = worker
  workers[#workers + 1] = int(tonumber(found[i + 1]))
  workers[#workers + 1] = lane_set
  workers[#workers + 1] = redis.call('HGET', p .. 'abouts', worker) or ''
end

-- The leases tell who runs what; there is no second record of it.
local slots = {}
for _, id in ipairs(redis.call('ZRANGE', p .. 'running', 0, -1)) do
  local state = read_state(p, id)
  if state.k and state.s then
    slots[#slots + 1] = token_worker(state.k)
    slots[#slots + 1] = id
    slots[#slots + 1] = (header(redis.call('HGET', p .. 'bodies', id)))
    slots[#slots + 1] = state.s
    slots[#slots + 1] = state.g or ''
  end
end
return { now, sets, workers, slots }
