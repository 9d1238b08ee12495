-- New jobs that ask for a unique key.
-- needs: ties jobs

local WAITS = { queued = true, scheduled = true, retrying = true }

local function unique_line(i)
  if string.sub(ARGV[i + 6], 1, 1) ~= 'q' then return nil end
  return string.match(ARGV[i + 6], '^q([^\n]*)')
end

-- The tail of a body with the metadata and payload of another tail.
local function with_content_of(tail, other)
  local before, _, rest, at = string.match(tail, '^(%S+ (%d+)) %d+([^\n]*)\n()')
  local options = string.match(before, '%d+$')
  local other_options, metadata, other_at = string.match(other, '^%S+ (%d+) (%d+)[^\n]*\n()')
  return before .. ' ' .. metadata .. rest .. '\n'
    .. string.sub(tail, at, at + tonumber(options) - 1)
    .. string.sub(other, other_at + tonumber(other_options))
end

-- Read the entries of the keys that a batch asks for, queue by queue.
local function read_entries(clock, from, count)
  local asked = {}
  for i = from, from + (count - 1) * FIELDS, FIELDS do
    local line = unique_line(i)
    if line then
      local p = KEYS[tonumber(ARGV[i])]
      local queue = asked[p]
      if not queue then
        queue = { keys = {}, owners = {}, siblings = {}, now = instant(p, clock) }
        asked[p] = queue
      end
      queue.keys[#queue.keys + 1] = key_of(line)
    end
  end
  for p, queue in pairs(asked) do
    for at, entry in ipairs(read_in_chunks(p .. 'unique', queue.keys)) do
      queue.owners[queue.keys[at]] = owner_of(entry, queue.now)
    end
  end
  return asked
end

-- Put the content of the job at `i` into the one that holds its key, if that waits.
local function plan_replacement(plan, p, i, owner)
  local at = p .. owner
  local body = plan.bodies[at] and plan.bodies[at][3]
  if not body then
    body = redis.call('HGET', p .. 'bodies', owner)
    if not WAITS[(locate(p, owner, body))] then return end
  end
  local rank_of_body = string.match(body, '^%S+ %S+ %S+ %S+ %S+ ')
  local tail = string.sub(body, #rank_of_body + 1)
  plan.bodies[at] = { p, owner, rank_of_body .. with_content_of(tail, ARGV[i + 7]) }
end

-- Look which jobs of a batch find their unique key held. Writes nothing. `holders`: by place, the id of the job that is there instead. `tails`: by place, what
-- replaces a tail of the batch. `bodies`: what replaces stored ones. `entries`: keys to be taken.
-- `answer`: "place id" for each job that is not stored. `refused`: the same for the first one
-- that is to be refused.
local function make_plan(clock, from, count)
  local asked = read_entries(clock, from, count)
  local plan = { holders = {}, tails = {}, bodies = {}, entries = {}, answer = {} }
  for i = from, from + (count - 1) * FIELDS, FIELDS do
    local line = unique_line(i)
    if line then
      local p, key, place = KEYS[tonumber(ARGV[i])], key_of(line), int((i - from) / FIELDS)
      local queue, on_conflict = asked[p], string.sub(line, 2, 2)
      local owner, sibling = queue.owners[key], queue.siblings[key]
      if sibling then
        plan.holders[i] = ARGV[sibling + 1]
        if on_conflict == 'r' then
          plan.tails[sibling] =
            with_content_of(plan.tails[sibling] or ARGV[sibling + 7], ARGV[i + 7])
        end
      elseif owner then
        plan.holders[i] = owner
        if on_conflict == 'r' then plan_replacement(plan, p, i, owner) end
        if on_conflict == 'f' then plan.refused = plan.refused or place .. ' ' .. owner end
      else
        queue.siblings[key] = i
        local entries = plan.entries[p] or {}
        plan.entries[p] = entries
        entries[#entries + 1] = key
        entries[#entries + 1] =
          ARGV[i + 1] .. ' ' .. expiry_of(line, due_of(i, queue.now), queue.now)
      end
      if plan.holders[i] then
        plan.answer[#plan.answer + 1] = place .. ' ' .. plan.holders[i]
      end
    end
  end
  return plan
end
