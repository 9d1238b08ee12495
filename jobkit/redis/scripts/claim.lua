-- Promote what is due, reclaim what is lost, and lease the best jobs to a worker.
-- KEYS: prefix. ARGV: now, worker, version (JSON), request, lane set, slots, prefetch,
-- suspects, lease, idle (1 or 0), four bounds, the only id to take ('' for any).
-- Reply: now, lanes unknown, started, next due, more, ended ids, jobs (each: id, body, state).
-- O(taken x log ready + lanes passed over + promoted + reclaimed).
-- needs: time lanes hints jobs

local PROMOTED = 1000
local RECLAIMED = 100
local HEADS_READ = 50
local MEMBERS_READ = 16

local p = KEYS[1]
local worker, version, request, lane_set = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local slots, prefetch, suspects = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local lease, idle = tonumber(ARGV[9]), ARGV[10] == '1'
local bounds, only = { ARGV[11], ARGV[12], ARGV[13], ARGV[14] }, ARGV[15]

local clock = time(ARGV[1])
if redis.call('HGET', p .. 'serving', worker) ~= lane_set then
  return { int(instant(p, clock)), 1, 0, '', 0, {}, {} }
end
-- A write that needs no memory comes first, so that a full Redis still hands out work.
no_longer_idle(p, worker, lane_set)
local now, holiday = tick(p, clock, lease)

local function earliest(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

local function next_due()
  local a, b = earliest(p .. 'scheduled'), earliest(p .. 'retrying')
  if a and b then return int(math.min(a, b)) end
  return (a or b) and int(a or b) or ''
end

-- The lane as this worker serves it: {group, limit or nil, flags}; nil if it does not.
local served = {}
local function serving(lane)
  local type = lane_type(lane)
  if served[type] == nil then
    local spec = redis.call('HGET', p .. 'lanes:' .. lane_set, type)
    if spec then
      local limit, flags, group = string.match(spec, '^(%d*) (%d*) (.*)$')
      served[type] = { group = group, limit = tonumber(limit), flags = flags }
    else
      served[type] = false
    end
  end
  return served[type]
end

local counts = {}
local function is_full(lane)
  if not lane.limit then return false end
  if not counts[lane.group] then
    counts[lane.group] = redis.call('SCARD', p .. 'active:' .. lane.group)
  end
  return counts[lane.group] >= lane.limit
end

local function may_take(name, may_suspect)
  if string.sub(name, 1, 1) == '!' and not may_suspect then return false end
  local lane = serving(name)
  return lane and not is_full(lane)
end

-- Walk the index of heads: each call gives the next lane, in the order of the best jobs.
local function heads_in_order()
  local chunk, at, offset = {}, 1, 0
  return function()
    if at > #chunk then
      chunk = redis.call('ZRANGE', p .. 'heads', offset, offset + HEADS_READ - 1, 'WITHSCORES')
      at, offset = 1, offset + HEADS_READ
      if #chunk == 0 then return nil end
    end
    local head, score = chunk[at], tonumber(chunk[at + 1])
    at = at + 2
    return head, score
  end
end

-- A head of the index is a member with the lane's name behind it; ids have 26 characters.
local MEMBER = MEMBER_PREFIX + 26
local function split_head(head)
  return string.sub(head, 1, MEMBER), string.sub(head, MEMBER + 1)
end

local function best_lane(may_suspect)
  local walk = heads_in_order()
  local head = walk()
  while head do
    local _, name = split_head(head)
    if may_take(name, may_suspect) then return name end
    head = walk()
  end
end

local function reply(started, ended, jobs)
  local best = best_lane(suspects > 0)
  if #jobs > 0 and best then
    hint(p, lane_type(best)) -- one enqueue wakes one worker, who wakes the next while work is left
  end
  if idle and #jobs < slots + prefetch then
    redis.call('ZADD', p .. 'idle:' .. lane_set, now, worker)
    redis.call('SADD', p .. 'idlers', lane_set)
  end
  return { int(now), 0, started, next_due(), best and 1 or 0, ended, jobs }
end

local function same_again(earlier)
  local jobs, started = {}, 0
  for id in string.gmatch(earlier, '%S+') do
    local token = redis.call('HGET', p .. 'job:' .. id, 'k')
    if token and token_worker(token) == worker and redis.call('ZSCORE', p .. 'running', id) then
      local state = redis.call('HGETALL', p .. 'job:' .. id)
      jobs[#jobs + 1] = { id, redis.call('HGET', p .. 'bodies', id), state }
      if redis.call('HEXISTS', p .. 'job:' .. id, 's') == 1 then started = started + 1 end
    end
  end
  return reply(started, {}, jobs)
end

local function promote()
  local due = {}
  for _, key in ipairs({ 'scheduled', 'retrying' }) do
    local found = redis.call(
      'ZRANGEBYSCORE', p .. key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, PROMOTED)
    for i = 1, #found, 2 do
      due[#due + 1] = { key = key, member = found[i], due = tonumber(found[i + 1]) }
    end
  end
  if #due == 0 then return end
  table.sort(due, function(a, b) return is_before(a.due, a.member, b.due, b.member) end)
  local ready, gone = {}, { scheduled = {}, retrying = {} }
  for i = 1, math.min(PROMOTED, #due) do
    local job = due[i]
    local id = string.sub(job.member, 11)
    local type, priority, _, arrival = header(redis.call('HGET', p .. 'bodies', id))
    local losses = redis.call('HGET', p .. 'job:' .. id, 'l')
    table.insert(gone[job.key], job.member)
    collect_ready(ready, lane_name(type, losses), priority, lane_member(job.due, arrival, id))
  end
  call_in_chunks('ZREM', p .. 'scheduled', gone.scheduled)
  call_in_chunks('ZREM', p .. 'retrying', gone.retrying)
  flush_ready(p, ready)
end

-- Settle one lost lease; true if the job has ended by it.
local function lose(id, ready)
  local key = p .. 'job:' .. id
  local state = read_state(p, id, 'k', 'v', 'g', 'L', 's', 'x', 'o', 'l', 'c', 'd', 'A', 'R')
  local losses = tonumber(state.l or 0)
  stop_running(p, id, state.g)
  redis.call('HDEL', key, 'k')
  redis.call('HSET', key, 'w', token_worker(state.k))
  if state.s then
    losses = losses + 1
    redis.call('HSET', key, 'l', losses)
    note(p, id, state, now, LOST)
  end
  local on_lost_dead = string.sub(state.L or '', 1, 1) == '1'
  local keep_dead = string.sub(state.L or '', 2, 2) ~= '0'
  if state.c then
    redis.call('HSET', key, 'e', int(now))
    add_ended(p, 'cancelled', id, now, state.R)
  elseif losses >= MAX_LOSSES or (losses > 0 and on_lost_dead) then
    if not keep_dead then
      drop(p, { id })
      return true
    end
    redis.call('HSET', key, 'e', int(now))
    add_ended(p, 'dead', id, now, state.R)
  else
    local type, priority, due, arrival = header(redis.call('HGET', p .. 'bodies', id))
    due = tonumber(state.d or due)
    collect_ready(ready, lane_name(type, losses), priority, lane_member(due, arrival, id))
    return false
  end
  return true
end

local function reclaim()
  if now < holiday then return {} end
  local lost = redis.call('ZRANGEBYSCORE', p .. 'running', '-inf', now, 'LIMIT', 0, RECLAIMED)
  local ready, ended = {}, {}
  for _, id in ipairs(lost) do
    if lose(id, ready) then ended[#ended + 1] = id end
  end
  flush_ready(p, ready)
  return ended
end

-- Choose the best jobs over all lanes: open a lane when the walk meets its head, and take
-- from the best of the open ones while it is better than the next head.
local open, quota, chosen, suspect_taken = {}, suspects, {}, false

local function read_members(lane)
  local found = redis.call('ZRANGE', p .. 'lane:' .. lane.name, lane.taken,
    lane.taken + MEMBERS_READ - 1, 'WITHSCORES')
  lane.members, lane.at = found, 1
end

local function may_suspect()
  return quota > 0 and #chosen < slots
end

local function best_open()
  local best
  for _, lane in ipairs(open) do
    if lane.at > #lane.members and #lane.members > 0 then read_members(lane) end
    if lane.at <= #lane.members and may_take(lane.name, may_suspect()) then
      if not best or is_before(tonumber(lane.members[lane.at + 1]), lane.members[lane.at],
        tonumber(best.members[best.at + 1]), best.members[best.at]) then
        best = lane
      end
    end
  end
  return best
end

local function take_from(lane)
  local spec = serving(lane.name)
  chosen[#chosen + 1] = { id = string.sub(lane.members[lane.at], MEMBER_PREFIX + 1), lane = spec }
  lane.at, lane.taken = lane.at + 2, lane.taken + 1
  if spec.limit then counts[spec.group] = counts[spec.group] + 1 end
  if string.sub(lane.name, 1, 1) == '!' then quota = quota - 1 end
end

local function choose(wanted)
  local walk = heads_in_order()
  local head, score = walk()
  while #chosen < wanted do
    local best = best_open()
    while head do
      local member, name = split_head(head)
      if best and not is_before(score, member, tonumber(best.members[best.at + 1]),
        best.members[best.at]) then
        break
      end
      if may_take(name, may_suspect()) then
        local lane = { name = name, head = member, taken = 0 }
        read_members(lane)
        open[#open + 1] = lane
        best = lane
      end
      head, score = walk()
    end
    if not best then return end
    take_from(best)
  end
end

local function choose_only()
  local body = redis.call('HGET', p .. 'bodies', only)
  if not body then return end
  local where, _, member, name = locate(p, only, body)
  local spec = where == 'queued' and serving(name)
  if not spec or is_full(spec) then return end
  remove_ready(p, name, member)
  chosen[1] = { id = only, lane = spec }
end

-- What was chosen from a lane are its first members.
local function remove_chosen()
  for _, lane in ipairs(open) do
    if lane.taken > 0 then
      redis.call('ZREMRANGEBYRANK', p .. 'lane:' .. lane.name, 0, lane.taken - 1)
      local score, member = head_of(p, lane.name)
      move_head(p, lane.name, lane.head, score, member)
    end
  end
end

-- What is known of a job before this run, without what its last run left behind.
local LEFT_BEHIND = { s = true, e = true, u = true, t = true, w = true }
local function fresh_state(key)
  local found, state, starts = redis.call('HGETALL', key), {}, 0
  if #found == 0 then return state, starts end
  redis.call('HDEL', key, 's', 'e', 'u', 't', 'w')
  for at = 1, #found, 2 do
    if not LEFT_BEHIND[found[at]] then
      state[#state + 1], state[#state + 2] = found[at], found[at + 1]
    end
    if found[at] == 'n' then starts = tonumber(found[at + 1]) end
  end
  return state, starts
end

local function write_leases()
  local fence = redis.call('HINCRBY', p .. 'control', 'fences', #chosen) - #chosen
  local ids, leases, groups, jobs = {}, {}, {}, {}
  for i, job in ipairs(chosen) do
    ids[i] = job.id
    leases[2 * i - 1], leases[2 * i] = int(now + lease), job.id
    local members = groups[job.lane.group] or {}
    groups[job.lane.group] = members
    members[#members + 1] = job.id
  end
  -- Lease first: a job in no lane is a job in `running`.
  call_in_chunks('ZADD', p .. 'running', leases)
  for group, members in pairs(groups) do
    call_in_chunks('SADD', p .. 'active:' .. group, members)
  end
  for i, job in ipairs(chosen) do
    local key = p .. 'job:' .. job.id
    local state, starts = fresh_state(key)
    local token = worker .. ':' .. int(fence + i)
    local changes = { 'k', token, 'v', version, 'g', job.lane.group, 'L', job.lane.flags }
    if i <= slots then
      changes[9], changes[10], changes[11], changes[12] = 's', int(now), 'n', int(starts + 1)
    end
    redis.call('HSET', key, unpack(changes))
    for at = 1, #changes do state[#state + 1] = changes[at] end
    jobs[i] = { job.id, false, state }
  end
  for i = 1, #ids, CHUNK do
    local last = math.min(i + CHUNK - 1, #ids)
    for at, body in ipairs(redis.call('HMGET', p .. 'bodies', unpack(ids, i, last))) do
      jobs[i + at - 1][2] = body
    end
  end
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ' .. table.concat(ids, ' '))
  return jobs
end

local earlier = redis.call('HGET', p .. 'claims', worker)
if earlier then
  local number, ids = string.match(earlier, '^(%d+)(.*)$')
  if request <= tonumber(number) then return same_again(ids) end
end
promote()
local ended = reclaim()
if only == '' then choose(slots + prefetch) else choose_only() end
if #chosen == 0 then
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ')
  trim(p, now, bounds, #ended)
  return reply(0, ended, {})
end
remove_chosen()
return reply(math.min(slots, #chosen), ended, write_leases())
