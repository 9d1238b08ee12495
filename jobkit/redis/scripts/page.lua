-- Read some jobs of one state, in a stable order.
-- KEYS: prefix. ARGV: now, state, limit, cursor ('' for the start): the id of the last job read.
-- Reply: now, cursor lost (1 or 0), more (1 or 0), then for each: id, body, state, attempts, result.
-- Order: queued by lane, then by rank; running by id; else by instant.
-- O(limit + log jobs); running and the number of lanes count in full.
-- needs: time lanes hints jobs

local p, state, limit, cursor = KEYS[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = instant(p, time(ARGV[1]))

-- The sorted sets that make up the state, in order, and what stands before the id in a member.
local function lines()
  if state == 'scheduled' or state == 'retrying' then return { p .. state }, 10 end
  if state ~= 'queued' then return { p .. state, p .. state .. ':kept' }, 0 end
  local found = {}
  for _, head in ipairs(redis.call('ZRANGE', p .. 'heads', 0, -1)) do
    found[#found + 1] = p .. 'lane:' .. string.sub(head, MEMBER_PREFIX + 27)
  end
  table.sort(found)
  return found, MEMBER_PREFIX
end

local function running_after()
  local ids = redis.call('ZRANGE', p .. 'running', 0, -1)
  table.sort(ids)
  local rest = {}
  for _, id in ipairs(ids) do
    if id > cursor then rest[#rest + 1] = id end
    if #rest > limit then break end
  end
  return rest
end

local function ids_after()
  local keys, before = lines()
  local from, skip = 1, 0
  if cursor ~= '' then
    local body = redis.call('HGET', p .. 'bodies', cursor)
    if not body then return nil end
    local where, key, member = locate(p, cursor, body)
    if where ~= state then return nil end
    for i, line in ipairs(keys) do
      if line == key then from, skip = i, redis.call('ZRANK', key, member) + 1 end
    end
  end
  local ids = {}
  for i = from, #keys do
    local wanted = limit + 1 - #ids
    for _, member in ipairs(redis.call('ZRANGE', keys[i], skip, skip + wanted - 1)) do
      ids[#ids + 1] = string.sub(member, before + 1)
    end
    skip = 0
    if #ids > limit then break end
  end
  return ids
end

local ids
if state == 'running' then ids = running_after() else ids = ids_after() end
if not ids then return { int(now), 1, 0 } end
local more = #ids > limit and 1 or 0
if more == 1 then ids[limit + 1] = nil end
local reply = { int(now), 0, more }
for _, job in ipairs(read_jobs(p, ids)) do reply[#reply + 1] = job end
return reply
