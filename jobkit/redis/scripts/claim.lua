-- Promote what is due, reclaim what is lost, and lease the best jobs to a worker.
-- KEYS: prefix. ARGV: now, worker, version (JSON), request, lane set, slots, prefetch,
-- suspects, lease, idle (1 or 0), four bounds, the only id to take ('' for any).
-- Reply: now, lanes unknown, started, "next-due next-tick" (as far as there is one), more, ended
-- ids, fence, the ids of the jobs, their bodies; then for each job of which more is known: its
-- number, its state from before, its attempts. In the answer to a copy of a claim the fence is -1
-- and the state of each job is as it is.
-- O(taken x log ready + lanes passed over + promoted + reclaimed).
-- needs: watermark choosing

local RECLAIMED = 100

local p = KEYS[1]
local worker, version, request, lane_set = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local slots, prefetch, suspects = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local lease, idle = tonumber(ARGV[9]), ARGV[10] == '1'
local only = ARGV[15]

local clock = time(ARGV[1])
if redis.call('HGET', p .. 'serving', worker) ~= lane_set then
  return { int(instant(p, clock)), 1, 0, '', 0, {}, 0, {}, {} }
end
-- A write that needs no memory comes first, so that a full Redis still hands out work.
if redis.call('ZREM', p .. 'idle:' .. lane_set, worker) == 1
  and redis.call('EXISTS', p .. 'idle:' .. lane_set) == 0 then
  redis.call('SREM', p .. 'idlers', lane_set)
end
local now, holiday, pauses, order = tick(p, clock, lease)
paused[p], by_time[p] = parse_pauses(pauses), order == 'run_at'

-- When the first job of each set is due that waits for a time; and the next tick.
local dues, next_tick
local function look_at_dues()
  dues, next_tick = {}, nil
  if redis.call('EXISTS', p .. 'scheduled', p .. 'retrying', p .. 'ticks') == 0 then return end
  dues.scheduled = tonumber(redis.call('ZRANGE', p .. 'scheduled', 0, 0, 'WITHSCORES')[2])
  dues.retrying = tonumber(redis.call('ZRANGE', p .. 'retrying', 0, 0, 'WITHSCORES')[2])
  next_tick = tonumber(redis.call('ZRANGE', p .. 'ticks', 0, 0, 'WITHSCORES')[2])
end

local function next_times()
  local a, b = dues.scheduled, dues.retrying
  local due = a and b and int(math.min(a, b)) or (a or b) and int(a or b) or ''
  return next_tick and due .. ' ' .. int(next_tick) or due
end

local function answer(started, ended, fence, ids, bodies)
  local more = open[1] and open[1].name or best_lane(p, lane_set, suspects > 0)
  if #ids > 0 and more and redis.call('EXISTS', p .. 'idlers') == 1 then
    -- needs: hints
    hint(p, lane_type(more)) -- one enqueue wakes one worker, who wakes the next while work is left
  end
  if idle and #ids < slots + prefetch then
    redis.call('ZADD', p .. 'idle:' .. lane_set, now, worker)
    redis.call('SADD', p .. 'idlers', lane_set)
  end
  return { int(now), 0, started, next_times(), more and 1 or 0, ended, fence, ids, bodies }
end

local function same_again(earlier)
  -- needs: jobs
  local ids, bodies, started = {}, {}, 0
  for id in string.gmatch(earlier, '%S+') do
    local state = read_state(p, id)
    if state.k and token_worker(state.k) == worker and redis.call('ZSCORE', p .. 'running', id) then
      ids[#ids + 1] = id
      if state.s then started = started + 1 end
    end
  end
  local jobs = read_jobs(p, ids)
  for i, job in ipairs(jobs) do bodies[i] = job[2] end
  local reply = answer(started, {}, -1, ids, bodies)
  for i, job in ipairs(jobs) do
    local at = #reply
    reply[at + 1], reply[at + 2], reply[at + 3] = i, job[3], job[4]
  end
  return reply
end

local function keep_up()
  local is_due = dues.scheduled and dues.scheduled <= now or dues.retrying and dues.retrying <= now
  local lost = now < holiday and {}
    or redis.call('ZRANGEBYSCORE', p .. 'running', '-inf', now, 'LIMIT', 0, RECLAIMED)
  if not is_due and #lost == 0 then return {} end
  -- needs: upkeep
  if is_due then promote(p, now, dues) end
  local ended = reclaim(p, now, lost)
  look_at_dues()
  return ended
end

local only_lane, only_member -- where the only one stands

local function choose_only()
  -- needs: jobs
  local body = redis.call('HGET', p .. 'bodies', only)
  if not body then return end
  local where, _, member, name = locate(p, only, body)
  if where ~= 'queued' then return end
  know_lanes(p, lane_set, { name })
  if not may_take(p, name, true) then return end
  only_lane, only_member = name, member
  chosen[1], specs[1] = only, serving(name)
  count_at_work(specs[1])
end

-- What states say from now on, by how the lane is served: of those that are taken as started, and
-- of the others. All jobs of a claim have the same fence. The token comes first, and what the
-- claim knows second, so that a settlement finds them at once.
local function claim_texts(fence)
  local started, waiting = {}, {}
  local token, start = 'k' .. worker .. ':' .. int(fence) .. '\nv', '\ns' .. int(now)
  for _, spec in ipairs(specs) do
    if not waiting[spec] then
      local text = token .. spec.flags .. ' ' .. spec.place .. ' ' .. version
      started[spec], waiting[spec] = text .. start, text
    end
  end
  return started, waiting
end

-- Jobs that have a state already: let `texts` keep what stays of it for the next run, neither what
-- the last run left behind nor a key that is held until the first start. Return for each one its
-- number, what stays, and its attempts.
local function run_again(before, texts)
  -- needs: ties
  local again, loose, ids, ran = {}, no_ties(), {}, {}
  for i, id in ipairs(chosen) do
    if before[i] then
      local state = parse_state(before[i])
      -- One that was started once, or more than once, has left attempts.
      if state.s or state.n then ids[#ids + 1], ran[i] = id, #ids + 1 end
      if state.q and is_held_until_started(state.q) then untie(loose, id, state) end
      if i <= slots then
        note_start(state, now)
      elseif state.s then
        state.n = state.n or 1
      end
      for name in string.gmatch('kKwvseutg', '.') do state[name] = nil end
      local rest = state_text(state)
      if rest ~= '' then
        texts[2 * i] = texts[2 * i] .. '\n' .. rest
        local at = #again
        again[at + 1], again[at + 2], again[at + 3] = i, rest, ''
      end
    end
  end
  local attempts = read_in_chunks(p .. 'attempts', ids)
  for at = 1, #again, 3 do again[at + 2] = attempts[ran[again[at]]] or '' end
  return again, loose
end

local function write_leases()
  local expiry, fence = int(now + lease), redis.call('HINCRBY', p .. 'control', 'fences', 1)
  local bodies, before = read_in_chunks(p .. 'bodies', chosen), read_in_chunks(p .. 'states', chosen)
  local started, waiting = claim_texts(fence)
  local leases, active, states, has_states = {}, {}, {}, false
  for i = 1, #chosen do
    local id, spec, at = chosen[i], specs[i], 2 * i
    leases[at - 1], leases[at] = expiry, id
    active[at - 1], active[at] = '0', spec.place .. ' ' .. id
    states[at - 1], states[at] = id, i <= slots and started[spec] or waiting[spec]
    has_states = has_states or before[i]
  end
  local again, loose
  if has_states then again, loose = run_again(before, states) end
  call_in_chunks('ZADD', p .. 'running', leases)
  call_in_chunks('ZADD', p .. 'active', active)
  call_in_chunks('HSET', p .. 'states', states)
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ' .. table.concat(chosen, ' '))
  if loose and #loose.ids > 0 then
    -- needs: ties
    flush_loose(p, loose, now)
  end
  return fence, bodies, again
end

local earlier = redis.call('HGET', p .. 'claims', worker)
look_at_dues()
if earlier then
  local number, ids = string.match(earlier, '^(%d+)(.*)$')
  if request <= tonumber(number) then return same_again(ids) end
end
local ended = keep_up()
if only == '' then
  choose(p, lane_set, slots + prefetch, slots, suspects)
else
  choose_only()
end
if #chosen == 0 then
  -- needs: ended
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ')
  trim(p, now, { ARGV[11], ARGV[12], ARGV[13], ARGV[14] }, #ended)
  return answer(0, ended, 0, {}, {})
end
-- Lease first: what fails between the two leaves the jobs in their lanes as well, never in none.
local fence, bodies, again = write_leases()
remove_chosen(p)
if only_lane then
  -- needs: removing
  remove_ready(p, only_lane, only_member)
end
local reply = answer(math.min(slots, #chosen), ended, fence, chosen, bodies)
if again then
  for i = 1, #again do reply[#reply + 1] = again[i] end
end
return reply
