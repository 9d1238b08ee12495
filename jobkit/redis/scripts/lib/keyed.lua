-- New jobs that ask for a unique key.
-- needs: ties jobs

local WAITS = { queued = true, scheduled = true, retrying = true }

-- The tail of a body with the metadata and payload of another tail.
local function with_content_of(tail, other)
  local before, _, rest, at = string.match(tail, '^(%S+ (%d+)) %d+([^\n]*)\n()')
  local options = string.match(before, '%d+$')
  local other_options, metadata, other_at = string.match(other, '^%S+ (%d+) (%d+)[^\n]*\n()')
  return before .. ' ' .. metadata .. rest .. '\n'
    .. string.sub(tail, at, at + tonumber(options) - 1)
    .. string.sub(other, other_at + tonumber(other_options))
end

-- Read the entries of the keys that kinds ask for, queue by queue.
local function read_entries(kinds)
  local asked = {}
  for _, kind in pairs(kinds) do
    kind.unique = string.match(kind.line, '^q([^\n]*)')
    if kind.unique then
      local queue = asked[kind.queue] or { keys = {}, owners = {}, siblings = {} }
      asked[kind.queue], kind.asked = queue, queue
      queue.keys[#queue.keys + 1] = key_of(kind.unique)
    end
  end
  for queue, its in pairs(asked) do
    for at, entry in ipairs(read_in_chunks(queue.p .. 'unique', its.keys)) do
      its.owners[its.keys[at]] = owner_of(entry, queue.now)
    end
  end
end

-- Put a tail's content into the job that holds the key, if that waits.
local function plan_replacement(plan, p, tail, owner)
  local at = p .. owner
  local body = plan.bodies[at] and plan.bodies[at][3]
  if not body then
    body = redis.call('HGET', p .. 'bodies', owner)
    if not WAITS[(locate(p, owner, body))] then return end
  end
  local rank_of_body = string.match(body, '^%S+ %S+ %S+ %S+ %S+ ')
  plan.bodies[at] =
    { p, owner, rank_of_body .. with_content_of(string.sub(body, #rank_of_body + 1), tail) }
end

-- Plan for the job at `at`, which asks for a key.
local function plan_job(plan, kind, at, place)
  local line, p, now = kind.unique, kind.queue.p, kind.queue.now
  local key, tail, on_conflict = key_of(line), ARGV[at + 2], string.sub(line, 2, 2)
  local owner, sibling = kind.asked.owners[key], kind.asked.siblings[key]
  if sibling then
    plan.holders[at] = ARGV[sibling + 1]
    if on_conflict == 'r' then
      plan.tails[sibling] = with_content_of(plan.tails[sibling] or ARGV[sibling + 2], tail)
    end
  elseif owner then
    plan.holders[at] = owner
    if on_conflict == 'r' then plan_replacement(plan, p, tail, owner) end
    if on_conflict == 'f' then plan.refused = plan.refused or place .. ' ' .. owner end
  else
    kind.asked.siblings[key] = at
    local entries = plan.entries[p] or {}
    plan.entries[p] = entries
    entries[#entries + 1] = key
    entries[#entries + 1] = ARGV[at + 1] .. ' ' .. expiry_of(line, kind.due, now)
  end
  if plan.holders[at] then
    plan.answer[#plan.answer + 1] = place .. ' ' .. plan.holders[at]
  end
end

-- Look which jobs of a batch find their unique key held. Writes nothing. `holders`: by where its
-- arguments begin, the id of the job that is there instead. `tails`: likewise, what replaces a
-- tail of the batch. `bodies`: what replaces stored ones. `entries`: keys to be taken. `answer`:
-- "place id" for each job that is not stored. `refused`: the same for the first one that is to
-- be refused.
local function make_plan(batch)
  local plan = { holders = {}, tails = {}, bodies = {}, entries = {}, answer = {} }
  read_entries(batch.kinds)
  for at = batch.first, batch.stop - 1, JOB do
    local kind = batch.kinds[ARGV[at]]
    if kind.unique then plan_job(plan, kind, at, int((at - batch.first) / JOB)) end
  end
  return plan
end
