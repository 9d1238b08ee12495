-- Store new jobs. Their arguments: number of kinds, 5 for each kind, 3 for each job. A kind is what
-- jobs have in common: index of their queue's prefix in KEYS, type, priority, when they are due ('' at
-- once, '+' and a delay, or an instant), first lines of their states ('' for none; that of a
-- unique key comes first). A job is the number of its kind, its id, and the tail of its body.
-- needs: time lanes ready

local KIND, JOB = 5, 3 -- arguments
local DELAY = 43 -- '+', which a delay begins with
local KEYED = 113 -- 'q', which the line of a unique key begins with

local function due_of(text, now, delays_from)
  if text == '' then return now end
  if string.byte(text) == DELAY then return (delays_from or now) + tonumber(text) end
  return math.max(0, tonumber(text))
end

-- `begun`: its kinds, in the order of their first jobs. `ready`, `waiting`: by type, what goes into
-- a sorted set.
local function know_queue(p, clock)
  local control = redis.call('HMGET', p .. 'control', 'at', 'order', 'arrivals', 'idlers')
  by_time[p] = control[2] == 'run_at'
  local now = instant(p, clock, control[1])
  return {
    p = p, now = now, now_text = int(now), arrivals = tonumber(control[3] or 0),
    idlers = control[4],
    begun = {}, bodies = {}, states = {}, ready = {}, waiting = {},
  }
end

-- Read what is to be stored; the arguments are over at `stop`. `delays_from`: when delays begin,
-- if that is not now.
local function read_batch(clock, from, stop, delays_from)
  local kinds, queues, at = {}, {}, from + 1
  for number = 1, tonumber(ARGV[from]) do
    local queue, type, priority = queues[ARGV[at]], ARGV[at + 1], ARGV[at + 2]
    if not queue then
      queue = know_queue(KEYS[tonumber(ARGV[at])], clock)
      queues[ARGV[at]] = queue
    end
    local due = due_of(ARGV[at + 3], queue.now, delays_from)
    kinds[int(number)] = {
      queue = queue, type = type, priority = tonumber(priority), due = due, line = ARGV[at + 4],
      head = type .. ' ' .. priority .. ' ' .. int(due) .. ' ',
      rest = due == queue.now and ' = ' or ' ' .. queue.now_text .. ' ',
      set = nil, first = nil, score = due, prefix = '',
    }
    at = at + KIND
  end
  return { kinds = kinds, queues = queues, first = at, stop = stop }
end

-- Look which jobs of a batch find their unique key held; nil if none asks for a key.
local function plan_keys(batch)
  for _, kind in pairs(batch.kinds) do
    if string.byte(kind.line) == KEYED then
      -- needs: keyed
      return make_plan(batch)
    end
  end
end

-- Choose where the jobs of a kind go: the set, their score, and what their members begin with.
local function begin_kind(kind)
  local queue, sets = kind.queue, kind.queue.waiting
  if kind.due <= queue.now then
    local score, first = lane_rank(queue.p, kind.priority, kind.due)
    sets, kind.score, kind.prefix = queue.ready, score, string.format('%012x', first)
  end
  kind.set = sets[kind.type] or {}
  sets[kind.type], kind.first = kind.set, #kind.set + 2
  queue.begun[#queue.begun + 1] = kind
end

-- Collect the jobs of a batch, except those that find their key held.
local function collect_jobs(batch, plan)
  for at = batch.first, batch.stop - 1, JOB do
    if not (plan and plan.holders[at]) then
      local kind, id, tail = batch.kinds[ARGV[at]], ARGV[at + 1], ARGV[at + 2]
      if not kind.set then begin_kind(kind) end
      if plan then tail = plan.tails[at] or tail end
      local queue, set = kind.queue, kind.set
      local bodies, states, arrival = queue.bodies, queue.states, queue.arrivals + 1
      local n, m = #bodies, #set
      queue.arrivals = arrival
      bodies[n + 1], bodies[n + 2] = id, kind.head .. arrival .. kind.rest .. tail
      set[m + 1], set[m + 2] = kind.score, kind.prefix .. string.format('%010x', arrival) .. id
      if kind.line ~= '' then states[#states + 1], states[#states + 2] = id, kind.line end
    end
  end
end

-- What is read before the first write: so a key of another kind stops it.
local function look_at_sets(queue)
  local may_move = false
  for _, kind in ipairs(queue.begun) do note_first(kind.set, kind.score, kind.set[kind.first]) end
  for lane, set in pairs(queue.ready) do may_move = find_head(queue.p, lane, set) or may_move end
  if may_move then redis.call('ZCARD', queue.p .. 'heads') end
  if next(queue.waiting) then
    queue.first = redis.call('ZRANGE', queue.p .. 'scheduled', 0, 0, 'WITHSCORES')
  end
end

-- The bodies first: refused at `maxmemory`, or if they are of another kind, before anything is
-- written.
local function write_jobs(queue)
  local p = queue.p
  call_in_chunks('HSET', p .. 'bodies', queue.bodies)
  redis.call('HSET', p .. 'control', 'arrivals', int(queue.arrivals))
  call_in_chunks('HSET', p .. 'states', queue.states)
  for lane, set in pairs(queue.ready) do write_lane(p, lane, set) end
  if queue.first then
    -- needs: waiting
    write_waiting(queue)
  end
end

-- Wake workers for types that have ready jobs, or one that is now due before all others.
local function wake_workers(queue)
  -- needs: hints
  local types = queue.wanted or {}
  for type in pairs(queue.ready) do types[type] = true end
  for type in pairs(types) do hint(queue.p, type) end
end

-- `plan`: what `plan_keys` said of the batch.
local function publish(batch, plan)
  local queues = batch.queues
  collect_jobs(batch, plan)
  for _, queue in pairs(queues) do look_at_sets(queue) end
  for _, queue in pairs(queues) do write_jobs(queue) end
  if plan then
    for p, entries in pairs(plan.entries) do call_in_chunks('HSET', p .. 'unique', entries) end
    for _, body in pairs(plan.bodies) do redis.call('HSET', body[1] .. 'bodies', body[2], body[3]) end
  end
  for _, queue in pairs(queues) do
    if queue.idlers then wake_workers(queue) end
  end
end
