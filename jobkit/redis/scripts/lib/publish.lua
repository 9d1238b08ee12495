-- Store new jobs. Each takes 8 arguments: index of its queue's prefix in KEYS, id, type,
-- priority, due time ('' for none), delay, first lines of its state ('' for none; that of a
-- unique key comes first), tail of the body.
-- needs: time lanes ready

local FIELDS = 8
local KEYED = 113 -- 'q', which the line of a unique key begins with

local function due_of(i, now)
  if ARGV[i + 4] ~= '' then return math.max(0, tonumber(ARGV[i + 4])) end
  return now + tonumber(ARGV[i + 5])
end

-- Look which jobs of a batch find their unique key held; nil if none asks for a key.
local function plan_keys(clock, from, count)
  for i = from + 6, from + count * FIELDS - 1, FIELDS do
    if string.byte(ARGV[i]) == KEYED then
      -- needs: keyed
      return make_plan(clock, from, count)
    end
  end
end

local function know_queue(p, clock)
  local control = redis.call('HMGET', p .. 'control', 'at', 'order', 'arrivals')
  by_time[p] = control[2] == 'run_at'
  local now = instant(p, clock, control[1])
  return {
    p = p, now = now, now_text = int(now), arrivals = control[3] or '0',
    bodies = {}, states = {}, ready = {}, waiting = {},
  }
end

local function add_job(queue, i, tail)
  local id, type, priority, now = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], queue.now
  local due, due_text, now_text = now, queue.now_text, queue.now_text
  if ARGV[i + 4] ~= '' or ARGV[i + 5] ~= '0' then
    due = due_of(i, now)
    due_text = int(due)
  end
  local arrival, bodies, states = queue.arrivals + 1, queue.bodies, queue.states
  queue.arrivals = int(arrival)
  bodies[#bodies + 1] = id
  bodies[#bodies + 1] = type .. ' ' .. priority .. ' ' .. due_text .. ' ' .. queue.arrivals .. ' '
    .. now_text .. ' ' .. tail
  if ARGV[i + 6] ~= '' then states[#states + 1], states[#states + 2] = id, ARGV[i + 6] end
  if due <= now then
    collect_ready(queue.ready, type, lane_place(queue.p, tonumber(priority), due, arrival, id))
  else
    local waiting = queue.waiting
    waiting[#waiting + 1] = { type, due, string.format('%010x', arrival) .. id }
  end
end

-- What is read before the first write: so a key of another kind stops it.
local function look_at_sets(queue)
  local may_move = false
  for lane, batch in pairs(queue.ready) do may_move = find_head(queue.p, lane, batch) or may_move end
  if may_move then redis.call('ZCARD', queue.p .. 'heads') end
  if #queue.waiting > 0 then
    queue.first = redis.call('ZRANGE', queue.p .. 'scheduled', 0, 0, 'WITHSCORES')
  end
end

-- Store jobs whose time is to come; `types` collects those of which one is now the first of all.
local function write_waiting(queue, types)
  -- needs: typed
  local p, first, members, index = queue.p, queue.first, {}, {}
  local score, member = tonumber(first[2]), first[1]
  for i, job in ipairs(queue.waiting) do
    members[2 * i - 1], members[2 * i] = job[2], job[3]
    collect_typed(index, 'scheduled', job[1], job[2], job[3])
    if not member or is_before(job[2], job[3], score, member) then
      score, member, types[job[1]] = job[2], job[3], true
    end
  end
  call_in_chunks('ZADD', p .. 'scheduled', members)
  flush_ready(p, index)
end

-- The bodies first: refused at `maxmemory`, or if they are of another kind, before anything is
-- written.
local function write_jobs(queue)
  local p, types = queue.p, {}
  call_in_chunks('HSET', p .. 'bodies', queue.bodies)
  redis.call('HSET', p .. 'control', 'arrivals', queue.arrivals)
  call_in_chunks('HSET', p .. 'states', queue.states)
  for lane, batch in pairs(queue.ready) do
    types[lane] = true
    write_lane(p, lane, batch)
  end
  if #queue.waiting > 0 then write_waiting(queue, types) end
  return types
end

-- `plan`: what `plan_keys` said of these jobs.
local function publish(clock, from, count, plan)
  local holders, tails, queues, types = plan and plan.holders, plan and plan.tails, {}, {}
  for i = from, from + (count - 1) * FIELDS, FIELDS do
    local queue = queues[ARGV[i]]
    if not queue then
      queue = know_queue(KEYS[tonumber(ARGV[i])], clock)
      queues[ARGV[i]] = queue
    end
    if not plan then
      add_job(queue, i, ARGV[i + 7])
    elseif not holders[i] then
      add_job(queue, i, tails[i] or ARGV[i + 7])
    end
  end
  for _, queue in pairs(queues) do look_at_sets(queue) end
  for _, queue in pairs(queues) do types[queue.p] = write_jobs(queue) end
  if plan then
    for p, entries in pairs(plan.entries) do call_in_chunks('HSET', p .. 'unique', entries) end
    for _, body in pairs(plan.bodies) do redis.call('HSET', body[1] .. 'bodies', body[2], body[3]) end
  end
  for p, its_types in pairs(types) do
    if redis.call('EXISTS', p .. 'idlers') == 1 then
      -- needs: hints
      for type in pairs(its_types) do hint(p, type) end
    end
  end
end
