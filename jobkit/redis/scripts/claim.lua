-- Promote what is due, reclaim what is lost, and lease the best jobs to a worker.
-- KEYS: prefix. ARGV: now, worker, version (JSON), request, lane set, slots, prefetch,
-- suspects, lease, idle (1 or 0), four bounds, the only id to take ('' for any).
-- Reply: now, lanes unknown, started, "next-due next-tick" (as far as there is one), more, ended ids, fence before the first job's,
-- then for each job: id, body, '' or {state from before, attempts}. In the answer to a copy of
-- a claim the fence is -1 and the state is as it is.
-- O(taken x log ready + lanes passed over + promoted + reclaimed).
-- needs: time lanes hints jobs schedules ties counting losing

local PROMOTED = 1000
local RECLAIMED = 100
local HEADS_READ = 50
local MEMBERS_READ = 16

local p = KEYS[1]
local worker, version, request, lane_set = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local slots, prefetch, suspects = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local lease, idle = tonumber(ARGV[9]), ARGV[10] == '1'
local bounds, only = { ARGV[11], ARGV[12], ARGV[13], ARGV[14] }, ARGV[15]

local clock, loose = time(ARGV[1]), no_ties()
if redis.call('HGET', p .. 'serving', worker) ~= lane_set then
  return { int(instant(p, clock)), 1, 0, '', 0, {}, 0 }
end
-- A write that needs no memory comes first, so that a full Redis still hands out work.
no_longer_idle(p, worker, lane_set)
local now, holiday, pauses, order = tick(p, clock, lease)
paused[p], by_time[p] = parse_pauses(pauses), order == 'run_at'

local function earliest(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

local function next_due()
  local a, b = earliest(p .. 'scheduled'), earliest(p .. 'retrying')
  local due = a and b and int(math.min(a, b)) or (a or b) and int(a or b) or ''
  local tick = earliest(p .. 'ticks')
  return tick and due .. ' ' .. int(tick) or due
end

-- The lane as this worker serves it: {group, place, limit or nil, flags}; nil if it does not.
local served = {}
local function serving(lane)
  local type = lane_type(lane)
  if served[type] == nil then
    local spec = redis.call('HGET', p .. 'lanes:' .. lane_set, type)
    if spec then
      local limit, flags, group = string.match(spec, '^(%d*) (%d*) (.*)$')
      local place = group == type and group or group .. '/' .. type
      served[type] = { group = group, place = place, limit = tonumber(limit), flags = flags }
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
    counts[lane.group] = redis.call('ZCARD', p .. 'active:' .. lane.group)
  end
  return counts[lane.group] >= lane.limit
end

local function may_take(name, may_suspect)
  if string.sub(name, 1, 1) == '!' and not may_suspect then return false end
  local lane = serving(name)
  return lane and not is_full(lane) and not is_paused(p, lane_type(name), lane.group)
end

-- Walk the index of heads: each call gives the next lane, in the order of the best jobs.
local function heads_in_order()
  if paused[p] and paused[p]['*'] then return function() end end
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

local function answer(started, ended, fence, count, jobs)
  local best = best_lane(suspects > 0)
  if count > 0 and best then
    hint(p, lane_type(best)) -- one enqueue wakes one worker, who wakes the next while work is left
  end
  if idle and count < slots + prefetch then
    redis.call('ZADD', p .. 'idle:' .. lane_set, now, worker)
    redis.call('SADD', p .. 'idlers', lane_set)
  end
  jobs[1], jobs[2], jobs[3], jobs[4] = int(now), 0, started, next_due()
  jobs[5], jobs[6], jobs[7] = best and 1 or 0, ended, fence
  return jobs
end

-- A reply begins with seven words about the claim; `answer` fills them in.
local function no_jobs()
  return { '', 0, 0, '', 0, {}, 0 }
end

local function same_again(earlier)
  local ids, started = {}, 0
  for id in string.gmatch(earlier, '%S+') do
    local state = read_state(p, id)
    if state.k and token_worker(state.k) == worker and redis.call('ZSCORE', p .. 'running', id) then
      ids[#ids + 1] = id
      if state.s then started = started + 1 end
    end
  end
  local jobs = no_jobs()
  for i, job in ipairs(read_jobs(p, ids)) do
    local at = 3 * i + 5
    jobs[at], jobs[at + 1], jobs[at + 2] = job[1], job[2], { job[3], job[4] }
  end
  return answer(started, {}, -1, #ids, jobs)
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
  local of_type = { scheduled = {}, retrying = {} }
  for i = 1, math.min(PROMOTED, #due) do
    local job = due[i]
    local id = string.sub(job.member, 11)
    local state = read_state(p, id)
    local type, priority, _, arrival = rank(redis.call('HGET', p .. 'bodies', id), state)
    table.insert(gone[job.key], job.member)
    of_type[job.key][type] = (of_type[job.key][type] or 0) + 1
    collect_ready(ready, lane_name(type, state.l), lane_place(p, priority, job.due, arrival, id))
  end
  flush_ready(p, ready) -- first: what fails between the two leaves no job in no set
  for key, members in pairs(gone) do
    call_in_chunks('ZREM', p .. key, members)
    cut_typed(p, key, of_type[key])
  end
end

local function reclaim()
  if now < holiday then return {} end
  local lost = redis.call('ZRANGEBYSCORE', p .. 'running', '-inf', now, 'LIMIT', 0, RECLAIMED)
  local ready, ended, counts = {}, {}, {}
  for _, id in ipairs(lost) do
    if lose(p, id, now, ready, loose, counts) then ended[#ended + 1] = id end
  end
  write_counts(p, now, counts)
  flush_loose(p, loose, now)
  loose = no_ties()
  flush_ready(p, ready)
  return ended
end

-- Choose the best jobs over all lanes: open a lane when the walk meets its head, and take
-- from the best of the open ones while it is better than the next head.
-- `chosen` has their ids, `specs` how each one's lane is served, `used` the lanes they are of.
local open, quota, chosen, specs, used = {}, suspects, {}, {}, {}

local function read_members(lane)
  lane.members = redis.call('ZRANGE', p .. 'lane:' .. lane.name, lane.taken,
    lane.taken + MEMBERS_READ - 1, 'WITHSCORES')
  lane.at = 1
end

-- Show a lane's next job as `member` and `score`; false if it has none or may give none.
local function show_next(lane)
  if lane.at > #lane.members then
    if #lane.members < 2 * MEMBERS_READ then return false end
    read_members(lane)
    if #lane.members == 0 then return false end
  end
  if is_full(lane.spec) then return false end
  lane.member, lane.score = lane.members[lane.at], tonumber(lane.members[lane.at + 1])
  return true
end

local function may_suspect()
  return quota > 0 and #chosen < slots
end

local function best_open()
  local best
  for _, lane in ipairs(open) do
    if not best or lane.score < best.score
      or (lane.score == best.score and lane.member < best.member) then
      best = lane
    end
  end
  return best
end

local function close_unless(is_left)
  local left = {}
  for _, lane in ipairs(open) do
    if is_left(lane) then left[#left + 1] = lane end
  end
  open = left
end

local function take_from(lane)
  local spec = lane.spec
  chosen[#chosen + 1] = string.sub(lane.member, MEMBER_PREFIX + 1)
  specs[#chosen] = spec
  lane.at, lane.taken = lane.at + 2, lane.taken + 1
  if lane.taken == 1 then used[#used + 1] = lane end
  if spec.limit then
    counts[spec.group] = counts[spec.group] + 1
    -- Other lanes of the group may be full now as well.
    if is_full(spec) then close_unless(function(other) return not is_full(other.spec) end) end
  end
  if lane.is_suspect then quota = quota - 1 end
  if not may_suspect() then close_unless(function(other) return not other.is_suspect end) end
  if not show_next(lane) then close_unless(function(other) return other ~= lane end) end
end

local function choose(wanted)
  local walk = heads_in_order()
  local head, score = walk()
  while #chosen < wanted do
    local best = best_open()
    while head and not (best and is_before(best.score, best.member, score, (split_head(head)))) do
      local member, name = split_head(head)
      if may_take(name, may_suspect()) then
        best = {
          name = name, head = member, taken = 0, spec = serving(name),
          is_suspect = string.sub(name, 1, 1) == '!',
        }
        read_members(best)
        show_next(best)
        open[#open + 1] = best
      end
      head, score = walk()
    end
    if not best then return end
    take_from(best)
  end
end

local only_lane, only_member -- where the only one stands

local function choose_only()
  local body = redis.call('HGET', p .. 'bodies', only)
  if not body then return end
  local where, _, member, name = locate(p, only, body)
  local spec = where == 'queued' and serving(name)
  if not spec or is_full(spec) or is_paused(p, lane_type(name), spec.group) then return end
  only_lane, only_member = name, member
  chosen[1], specs[1] = only, spec
  if spec.limit then counts[spec.group] = counts[spec.group] + 1 end
end

-- What was chosen from a lane are its first members.
local function remove_chosen()
  for _, lane in ipairs(used) do
    redis.call('ZREMRANGEBYRANK', p .. 'lane:' .. lane.name, 0, lane.taken - 1)
    local score, member = head_of(p, lane.name)
    move_head(p, lane.name, lane.head, score, member)
  end
  if only_lane then remove_ready(p, only_lane, only_member) end
end

-- What stays of a state for the next run: not what the last one left behind, nor a key that is
-- held until the first start.
local function run_again(id, text, is_started)
  local state = parse_state(text)
  if state.q and is_held_until_started(state.q) then untie(loose, id, state) end
  if is_started then
    note_start(state, now)
  elseif state.s then
    state.n = state.n or 1
  end
  state.k, state.K, state.w, state.v = nil, nil, nil, nil
  state.s, state.e, state.u, state.t, state.g = nil, nil, nil, nil, nil
  return state_text(state)
end

local function stand_in(places, place, id)
  local members = places[place]
  if members then
    members[#members + 1] = 0
    members[#members + 1] = id
  else
    places[place] = { 0, id }
  end
end

-- Whether a job has left attempts: it was started once, or more than once.
local function has_run(text)
  return state_value(text, 's') or state_value(text, 'n')
end

local function write_leases()
  local expiry, now_text, claims = int(now + lease), int(now), {}
  local fence = redis.call('HINCRBY', p .. 'control', 'fences', #chosen) - #chosen
  local leases, places, jobs = {}, {}, no_jobs()
  for i, id in ipairs(chosen) do
    leases[2 * i - 1], leases[2 * i] = expiry, id
    local spec = specs[i]
    stand_in(places, spec.group, id)
    if spec.place ~= spec.group then stand_in(places, spec.place, id) end
    claims[spec] = claims[spec] or claim_text(spec.flags, spec.place, version)
  end
  call_in_chunks('ZADD', p .. 'running', leases)
  local names = {}
  for place, members in pairs(places) do
    call_in_chunks('ZADD', p .. 'active:' .. place, members)
    names[#names + 1] = place
  end
  call_in_chunks('SADD', p .. 'types:running', names)
  local bodies, before = read_in_chunks(p .. 'bodies', chosen), read_in_chunks(p .. 'states', chosen)
  local states, ran, place_of = {}, {}, {}
  for i, id in ipairs(chosen) do
    if before[i] and has_run(before[i]) then
      ran[#ran + 1] = id
      place_of[i] = #ran
    end
  end
  local attempts = read_in_chunks(p .. 'attempts', ran)
  for i, id in ipairs(chosen) do
    local is_started = i <= slots
    -- The token first: a settlement reads it off the beginning.
    local text = 'k' .. worker .. ':' .. int(fence + i) .. '\nv' .. claims[specs[i]]
    if is_started then text = text .. '\ns' .. now_text end
    local rest = before[i] and run_again(id, before[i], is_started) or ''
    if rest ~= '' then text = text .. '\n' .. rest end
    states[2 * i - 1], states[2 * i] = id, text
    local at = 3 * i + 5
    jobs[at], jobs[at + 1], jobs[at + 2] = id, bodies[i], ''
    if rest ~= '' then jobs[at + 2] = { rest, place_of[i] and attempts[place_of[i]] or '' } end
  end
  call_in_chunks('HSET', p .. 'states', states)
  flush_loose(p, loose, now)
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ' .. table.concat(chosen, ' '))
  return fence, jobs
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
  return answer(0, ended, 0, 0, no_jobs())
end
-- Lease first: what fails between the two leaves the jobs in their lanes as well, never in none.
local fence, jobs = write_leases()
remove_chosen()
return answer(math.min(slots, #chosen), ended, fence, #chosen, jobs)
