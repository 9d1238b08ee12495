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
  return { instant(p, clock), 1, 0, '', 0, {}, 0, {}, {} }
end
-- A write that needs no memory comes first, so that a full Redis still hands out work.
redis.call('ZREM', p .. 'idle:' .. lane_set, worker)
local now, holiday, pauses, order, idlers = tick(p, clock, lease)
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
  local more = open[1] and open[#open].name or has_left and best_lane(p, lane_set, suspects > 0)
  if #ids > 0 and more and idlers ~= '' then
    -- needs: hints
    -- One enqueue wakes one worker, who wakes the next while work is left.
    hint(p, lane_type(more), idlers)
    idlers = idlers_of(p)
  end
  if idle and #ids < slots + prefetch then
    redis.call('ZADD', p .. 'idle:' .. lane_set, now, worker)
    if not string.find('\n' .. idlers .. '\n', '\n' .. lane_set .. '\n', 1, true) then
      redis.call('HSET', p .. 'control', 'idlers', idlers .. '\n' .. lane_set)
    end
  end
  return { now, 0, started, next_times(), more and 1 or 0, ended, fence, ids, bodies }
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

-- Write what states say from now on, by how the lane is served: of the jobs that are taken as
-- started, and of the others. All jobs of a claim have the same fence. The token comes first, and
-- what the claim knows second, so that a settlement finds them at once.
local function write_leases()
  local expiry, fence = now + lease, redis.call('HINCRBY', p .. 'control', 'fences', 1)
  local bodies, before = read_in_chunks(p .. 'bodies', chosen), read_in_chunks(p .. 'states', chosen)
  local token, start = 'k' .. worker .. ':' .. fence .. '\nv', '\ns' .. int(now)
  local texts, leases, active, states, has_states = {}, {}, {}, {}, false
  for i, id in ipairs(chosen) do
    local spec, at = specs[i], 2 * i
    if i == slots + 1 then texts, start = {}, '' end
    local text = texts[spec]
    if not text then
      text = token .. spec.flags .. ' ' .. spec.place .. ' ' .. version .. start
      texts[spec] = text
    end
    leases[at - 1], leases[at] = expiry, id
    active[at - 1], active[at] = '0', spec.place .. ' ' .. id
    states[at - 1], states[at] = id, text
    has_states = has_states or before[i]
  end
  local again, loose
  if has_states then
    -- needs: rerunning
    again, loose = run_again(before, states)
  end
  call_in_chunks('ZADD', p .. 'running', leases)
  call_in_chunks('ZADD', p .. 'active', active)
  call_in_chunks('HSET', p .. 'states', states)
  redis.call('HSET', p .. 'claims', worker, ARGV[4] .. ' ' .. table.concat(chosen, ' '))
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
  if request <= tonumber(number) then
    -- needs: replaying
    return same_again(ids)
  end
end
local ended = keep_up()
local only_lane, only_member -- where the only one stands
if only == '' then
  choose(p, lane_set, slots + prefetch, slots, suspects)
else
  -- needs: jobs
  local function choose_only()
    local body = redis.call('HGET', p .. 'bodies', only)
    if not body then return end
    local where, _, member, name = locate(p, only, body)
    if where ~= 'queued' then return end
    know_lanes(p, lane_set, { name })
    if not may_take(p, name, true) then return end
    only_lane, only_member = name, member
    chosen[1], specs[1] = only, served[name]
    count_at_work(specs[1])
  end
  choose_only()
end
if #chosen == 0 then
  -- needs: ended
  redis.call('HSET', p .. 'claims', worker, ARGV[4] .. ' ')
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
