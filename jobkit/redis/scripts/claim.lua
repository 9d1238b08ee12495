-- Promote what is due, reclaim what is lost, and lease the best jobs to a worker.
-- KEYS: prefix. ARGV: now, worker, version (JSON), request, lane set, slots, prefetch,
-- suspects, lease, idle (1 or 0), four bounds, the only id to take ('' for any).
-- Reply: now, lanes unknown, started, "next-due next-tick" (as far as there is one), more, ended ids, fence before the first job's,
-- then for each job: id, body, '' or {state from before, attempts}. In the answer to a copy of
-- a claim the fence is -1 and the state is as it is.
-- O(taken x log ready + lanes passed over + promoted + reclaimed).
-- needs: time lanes hints jobs schedules ties counting losing serving choosing

local WAIT_FOR_A_TIME = { 'scheduled', 'retrying' }
local PROMOTED = 1000
local RECLAIMED = 100

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
  local first = redis.call('ZRANGE', p .. key, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end

local dues = {} -- by set: when its first job is due
local function look_at_dues()
  for _, key in ipairs(WAIT_FOR_A_TIME) do dues[key] = earliest(key) end
end

local function next_due()
  local a, b = dues.scheduled, dues.retrying
  local due = a and b and int(math.min(a, b)) or (a or b) and int(a or b) or ''
  local tick = earliest('ticks')
  return tick and due .. ' ' .. int(tick) or due
end

local function answer(started, ended, fence, count, jobs)
  local more = best_open()
  more = more and more.name or best_lane(p, lane_set, suspects > 0)
  if count > 0 and more then
    hint(p, lane_type(more)) -- one enqueue wakes one worker, who wakes the next while work is left
  end
  if idle and count < slots + prefetch then
    redis.call('ZADD', p .. 'idle:' .. lane_set, now, worker)
    redis.call('SADD', p .. 'idlers', lane_set)
  end
  jobs[1], jobs[2], jobs[3], jobs[4] = int(now), 0, started, next_due()
  jobs[5], jobs[6], jobs[7] = more and 1 or 0, ended, fence
  return jobs
end

-- A reply begins with seven words about the claim; `answer` fills them in.
local function no_jobs()
  return { '', 0, 0, '', 0, {}, 0 }
end

local function same_again(earlier)
  look_at_dues()
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
  look_at_dues()
  for key, first in pairs(dues) do
    if first <= now then
      local found = redis.call(
        'ZRANGEBYSCORE', p .. key, '-inf', now, 'WITHSCORES', 'LIMIT', 0, PROMOTED)
      for i = 1, #found, 2 do
        due[#due + 1] = { key = key, member = found[i], due = tonumber(found[i + 1]) }
      end
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
  look_at_dues()
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

local only_lane, only_member -- where the only one stands

local function choose_only()
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

-- What a claim writes into a state behind the token, by how the lane is served: first for those
-- that are taken as started, then for the others.
local function claim_texts(spec, texts)
  local text = '\nv' .. claim_text(spec.flags, spec.place, version)
  texts[spec] = { text .. '\ns' .. int(now), text }
  return texts[spec]
end

local function write_places()
  local places, names = {}, {}
  for i, id in ipairs(chosen) do
    local spec = specs[i]
    stand_in(places, spec.group, id)
    if spec.place ~= spec.group then stand_in(places, spec.place, id) end
  end
  for place, members in pairs(places) do
    call_in_chunks('ZADD', p .. 'active:' .. place, members)
    names[#names + 1] = place
  end
  call_in_chunks('SADD', p .. 'types:running', names)
end

-- By id, the ended attempts of those who have some.
local function attempts_of(before)
  local ran, attempts = {}, {}
  for i, id in ipairs(chosen) do
    if before[i] and has_run(before[i]) then ran[#ran + 1] = id end
  end
  for i, text in ipairs(read_in_chunks(p .. 'attempts', ran)) do attempts[ran[i]] = text end
  return attempts
end

local function write_leases()
  local expiry, leases = int(now + lease), {}
  local fence = redis.call('HINCRBY', p .. 'control', 'fences', #chosen) - #chosen
  for i, id in ipairs(chosen) do leases[2 * i - 1], leases[2 * i] = expiry, id end
  call_in_chunks('ZADD', p .. 'running', leases)
  write_places()
  local bodies, before = read_in_chunks(p .. 'bodies', chosen), read_in_chunks(p .. 'states', chosen)
  local states, attempts, jobs, texts = {}, attempts_of(before), no_jobs(), {}
  local holder = 'k' .. worker .. ':' -- the token first: a settlement reads it off the beginning
  for i, id in ipairs(chosen) do
    local is_started = i <= slots
    local known = texts[specs[i]] or claim_texts(specs[i], texts)
    local text = holder .. int(fence + i) .. known[is_started and 1 or 2]
    local at = 3 * i + 5
    jobs[at], jobs[at + 1], jobs[at + 2] = id, bodies[i], ''
    local rest = before[i] and run_again(id, before[i], is_started) or ''
    if rest ~= '' then
      text = text .. '\n' .. rest
      jobs[at + 2] = { rest, attempts[id] or '' }
    end
    states[2 * i - 1], states[2 * i] = id, text
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
if only == '' then
  choose(p, lane_set, slots + prefetch, slots, suspects)
else
  choose_only()
end
if #chosen == 0 then
  redis.call('HSET', p .. 'claims', worker, int(request) .. ' ')
  trim(p, now, bounds, #ended)
  return answer(0, ended, 0, 0, no_jobs())
end
-- Lease first: what fails between the two leaves the jobs in their lanes as well, never in none.
local fence, jobs = write_leases()
remove_chosen(p)
if only_lane then remove_ready(p, only_lane, only_member) end
return answer(math.min(slots, #chosen), ended, fence, #chosen, jobs)
